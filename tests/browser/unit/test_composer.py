"""composer.js: what goes out of the box, and what is said about it."""

import pytest

SETUP = """
document.getElementById("chat").hidden = false;
const { Composer } = await load("composer");
const sent = [];
let send = async (text) => void sent.push(text);
const composer = new Composer((text) => send(text));
const draft = document.getElementById("draft");
const said = document.getElementById("composer-said");
const note = document.getElementById("composer-note");
const type = (text) => { draft.value = text; draft.dispatchEvent(new Event("input")); };
const press = (how) =>
  draft.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", cancelable: true, ...how }));
const leave = (found) => { composer.close(); return found; };
"""


@pytest.mark.parametrize("how", [{"shiftKey": True}, {"isComposing": True}, {"keyCode": 229}])
def test_not_every_enter_sends(modules, how):
    """Safari reports the one that ends a composition when the composition is over, and only its number tells."""
    assert modules(
        SETUP + 'type("a"); press(argument); const before = sent.length; press(); return leave([before, sent]);', how
    ) == [
        0,
        ["a"],
    ]


def test_what_the_server_would_refuse_and_nobody_sees_is_left_out(modules):
    assert modules(SETUP + r'type("a\u0007b\tc\nd\u009be"); press(); return leave(sent);') == ["ab\tc\nde"]


def test_a_count_that_changes_with_every_key_is_said_now_and_then(modules):
    shown, spoken = modules(
        SETUP
        + """
        composer.limitTo(100);
        const shown = [];
        const spoken = [];
        const observer = new MutationObserver(() => {});
        observer.observe(said, { childList: true });
        for (const length of [80, 81, 82, 90, 96, 97, 101, 102, 100]) {
          type("x".repeat(length));
          shown.push(note.textContent);
          if (observer.takeRecords().length > 0) spoken.push(said.textContent);
        }
        return leave([shown, spoken]);
        """
    )
    assert shown[:3] == ["", "19 characters left", "18 characters left"]
    assert spoken == ["19 characters left", "4 characters left", "1 character too long", "0 characters left"]


def test_what_does_not_fit_into_the_outbox_comes_back_with_the_reason(modules):
    assert modules(
        SETUP
        + """
        send = async () => { throw new Error("Too many."); };
        type("a");
        press();
        await new Promise((resolve) => setTimeout(resolve));
        return leave([draft.value, note.textContent, said.textContent]);
        """
    ) == ["a", "Too many.", "Too many."]


def test_who_presses_the_button_goes_on_writing(modules):
    """On a phone the keyboard stays only while the box has the focus."""
    assert modules(
        SETUP
        + """
        type("a");
        const button = document.querySelector("#composer [type=submit]");
        button.focus();
        button.click();
        return leave([sent, document.activeElement === draft]);
        """
    ) == [["a"], True]
