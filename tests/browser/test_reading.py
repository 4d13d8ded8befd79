"""Reading in the page: what scrolling asks of the server, what is where, what is spoken and where the focus goes."""

import pytest
from playwright.sync_api import Page, expect

from browser.chat_page import PASSWORD, ChatPage
from browser.scripted_server import ADA, ORIGIN, ScriptedServer
from browser.settings_page import SettingsPage

GRACE = {"id": "u-grace", "name": "grace"}
SESSION = {"id": "s1", "client": "Chrome Linux", "created_at": "2026-11-22T10:00:00Z", "last_used_at": None}
AWAY = {"type": "error", "code": "unavailable", "message": "away", "retryable": True, "retry_after_ms": 60_000}


def written(scripted: ScriptedServer, first: int, last: int) -> None:
    for number in range(first, last + 1):
        scripted.write("message", text=f"m{number}", cid=f"x{number}", user=GRACE)


def opened(ada: ChatPage, scripted: ScriptedServer, messages: int) -> None:
    written(scripted, 1, messages)
    ada.page.goto(ORIGIN)
    ada.is_connected()
    expect(ada.says(f"m{messages}")).to_be_in_viewport()


def frames(page: Page, count: int) -> None:
    """Let the page draw that often: what it does on every frame, it has done by then."""
    page.evaluate("async (count) => { for (; count > 0; count -= 1) await new Promise(requestAnimationFrame); }", count)


def test_history_that_fails_is_not_asked_for_with_every_frame(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.replies["history"] = lambda command: [{**AWAY, "id": command["id"]}]
    opened(ada, scripted, 120)
    ada.scroll_to_top()
    expect(ada.page.get_by_text("Loading older messages…")).to_be_visible()
    for _ in range(5):
        frames(ada.page, 5)
        ada.scroll_to_top()
    assert scripted.count("history") == 1
    scripted.close(1006)
    del scripted.replies["history"]
    expect(ada.says("m21")).to_be_attached()


def test_above_an_earlier_numbering_nothing_is_asked_for(ada: ChatPage, scripted: ScriptedServer) -> None:
    opened(ada, scripted, 120)
    scripted.log, scripted.epoch = [], "e2"
    scripted.say("anew")
    expect(ada.says("anew")).to_be_visible()
    ada.scroll_to_top()
    frames(ada.page, 10)
    assert scripted.count("history") == 0
    expect(ada.page.get_by_text("This is the beginning of the conversation.")).to_be_hidden()


def test_the_document_itself_never_scrolls(ada: ChatPage, scripted: ScriptedServer) -> None:
    """Only the conversation does: a document that scrolls takes the box one writes in out of sight."""
    opened(ada, scripted, 80)
    for size in ((390, 844), (844, 390), (800, 1000), (1280, 900)):
        ada.page.set_viewport_size({"width": size[0], "height": size[1]})
        assert ada.page.evaluate("document.scrollingElement.scrollHeight") == size[1], size
        assert ada.page.evaluate("document.scrollingElement.scrollWidth") == size[0], size


def test_nothing_lies_below_the_notch_of_a_phone_held_sideways(ada: ChatPage, scripted: ScriptedServer) -> None:
    ada.page.set_viewport_size({"width": 844, "height": 390})
    insets = {"left": 47, "right": 47, "bottom": 21}
    devtools = ada.page.context.new_cdp_session(ada.page)
    devtools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    opened(ada, scripted, 3)
    settings = SettingsPage(ada.page)
    settings.open("Password")
    places = [ada.box, ada.page.get_by_role("button", name="Sign out"), ada.page.locator("#room-name")]
    for place in [*places, settings.dialog.get_by_role("heading", name="Settings"), settings.dialog]:
        left, right, bottom = place.evaluate(
            "(node) => { const box = node.getBoundingClientRect(); return [box.left, box.right, box.bottom]; }"
        )
        assert left >= 47
        assert right <= 844 - 47
        assert bottom <= 390 - 21


CONTRAST = """
([node, property, below]) => {
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const luminance = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((byte) => {
      const share = byte / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const found = [getComputedStyle(node)[property], getComputedStyle(below).backgroundColor].map(luminance);
  return (Math.max(...found) + 0.05) / (Math.min(...found) + 0.05);
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_words_and_the_edges_of_fields_stand_out(ada: ChatPage, scripted: ScriptedServer, scheme: str) -> None:
    scripted.answers["/api/auth/sessions"] = (200, {"sessions": [{**SESSION, "current": True}]}, {})
    ada.page.emulate_media(color_scheme=scheme)
    opened(ada, scripted, 1)
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    mark = settings.dialog.get_by_text("this one").element_handle()
    assert ada.page.evaluate(CONTRAST, [mark, "color", mark]) >= 4.5
    settings.open("Password")
    field = settings.dialog.get_by_label("Current password").element_handle()
    assert ada.page.evaluate(CONTRAST, [field, "borderTopColor", field]) >= 3


SPOKEN = """
window.spoken = [];
addEventListener("DOMContentLoaded", () => {
  const log = document.querySelector("[role=log]");
  new MutationObserver((records) => {
    if (log.ariaLive !== "polite") return;
    const added = records.flatMap((record) => [...record.addedNodes]);
    window.spoken.push(...added.map((node) => node.querySelector("[data-testid=text]")?.textContent ?? "a line"));
  }).observe(log, { childList: true, subtree: true });
});
"""


def test_a_screen_reader_hears_what_comes_in_and_not_what_was_there(ada: ChatPage, scripted: ScriptedServer) -> None:
    ada.page.add_init_script(SPOKEN)
    opened(ada, scripted, 120)
    ada.scroll_to_top()
    expect(ada.says("m21")).to_be_attached()
    scripted.say("while you read")
    expect(ada.says("while you read")).to_be_attached()
    written(scripted, 122, 200)
    scripted.refuse_replay = True
    scripted.close(1006)
    expect(ada.says("m200")).to_be_attached()
    scripted.say("and on")
    expect(ada.says("and on")).to_be_attached()
    assert ada.page.evaluate("window.spoken") == ["while you read", "and on"]


def test_only_messages_count_as_new(ada: ChatPage, scripted: ScriptedServer) -> None:
    opened(ada, scripted, 80)
    ada.scroll_to_top()
    expect(ada.page.get_by_role("button", name="Jump to the newest")).to_be_visible()
    scripted.say("on the next day", at="2026-11-24T10:00:00Z")
    expect(ada.page.get_by_role("button", name="1 new below")).to_be_visible()


def test_a_button_that_goes_away_leaves_the_focus_in_the_chat(ada: ChatPage, scripted: ScriptedServer) -> None:
    opened(ada, scripted, 80)
    conversation = ada.page.get_by_role("region", name="Conversation")
    ada.scroll_to_top()
    ada.page.get_by_role("button", name="Jump to the newest").press("Enter")
    expect(conversation).to_be_focused()

    scripted.close(4409)
    ada.banner.get_by_role("button").press("Enter")
    ada.is_connected()
    expect(ada.box).to_be_focused()

    written(scripted, 81, 140)
    scripted.refuse_replay = True
    scripted.close(1006)
    expect(ada.says("m140")).to_be_in_viewport()
    ada.gap.get_by_role("button", name="Load missing messages").press("Enter")
    expect(ada.gap).to_have_count(0)
    expect(conversation).to_be_focused()

    refusal = {"code": "muted", "message": "no", "retryable": False}
    scripted.errors = [refusal, refusal]
    ada.write("let me speak")
    ada.failed.get_by_role("button", name="Try again").press("Enter")
    expect(ada.box).to_be_focused()
    ada.failed.get_by_role("button", name="Remove").press("Enter")
    expect(ada.box).to_be_focused()


def test_a_button_that_goes_away_leaves_the_focus_in_the_settings(ada: ChatPage, scripted: ScriptedServer) -> None:
    settings = SettingsPage(ada.page)
    scripted.answers["/api/auth/sessions"] = (200, {"sessions": [SESSION]}, {})
    scripted.answers["/api/auth/sessions/s1"] = (204, {}, {})
    scripted.answers["/api/auth/totp/setup"] = (200, {"secret": "ABCD", "uri": "otpauth://totp/x", "qr": ["01"]}, {})
    scripted.answers["/api/auth/totp/confirm"] = (200, {"recovery_codes": ["one", "two"]}, {})
    scripted.answers["/api/auth/totp/disable"] = (204, {}, {})
    opened(ada, scripted, 1)
    settings.open("Sessions")
    settings.do(settings.row("Chrome on Linux"), "End", "End session?")
    expect(settings.dialog.get_by_text("There are no sessions.")).to_be_focused()

    settings.open("Second factor")
    heading = settings.dialog.get_by_role("heading", name="Second factor", exact=True)
    settings.fill(Your_password=PASSWORD)
    settings.press("Set up")
    settings.fill(Code="123456")
    scripted.answers["/api/auth/refresh"] = (503, {}, {})  # what the account is now is not told any sooner
    settings.press("Confirm")
    expect(settings.secrets).to_have_count(2)
    settings.press("I have saved them")
    expect(settings.dialog.get_by_text("Your second factor is on.")).to_be_visible()
    expect(heading).to_be_focused()
    del scripted.answers["/api/auth/refresh"]
    settings.dialog.get_by_text("Turn off the second factor", exact=True).click()
    settings.fill(Your_password=PASSWORD, Code="123456")
    settings.press("Turn off")
    expect(settings.dialog.get_by_role("button", name="Set up")).to_be_visible()
    expect(heading).to_be_focused()


def test_a_list_that_could_not_be_loaded_can_be_asked_for_again(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.answers["/api/auth/sessions"] = (503, {}, {})
    opened(ada, scripted, 1)
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    expect(settings.alert).to_contain_text("The server has a problem.")
    scripted.answers["/api/auth/sessions"] = (200, {"sessions": [SESSION]}, {})
    settings.dialog.get_by_role("button", name="Try again").press("Enter")
    expect(settings.row("Chrome on Linux")).to_be_visible()
    expect(settings.alert).to_have_count(0)
    expect(settings.dialog.get_by_role("button", name="Try again")).to_have_count(0)
    expect(settings.row("Chrome on Linux")).to_be_focused()


def test_a_token_that_may_nothing_says_what_to_choose(ada: ChatPage, scripted: ScriptedServer) -> None:
    admin = {**ADA, "role": "admin", "must_change_password": False, "must_set_up_totp": False}
    scripted.answers["/api/auth/refresh"] = (200, {"access_token": "t", "expires_in": 600, "user": admin}, {})
    scripted.answers["/api/admin/tokens"] = (200, {"tokens": []}, {})
    opened(ada, scripted, 1)
    settings = SettingsPage(ada.page)
    settings.open("API tokens")
    settings.dialog.get_by_text("Issue a token").click()
    settings.fill(User="ada")
    asked = scripted.requests.count("/api/admin/tokens")
    for words in ("Read messages", "Write messages"):
        settings.dialog.get_by_label(words).uncheck()
    settings.press("Issue token")
    expect(settings.alert).to_contain_text("Choose at least one permission.")
    expect(settings.dialog.get_by_label("Read messages")).to_be_focused()
    assert scripted.requests.count("/api/admin/tokens") == asked
