"""Scrolling, layout, contrast, screen readers and keyboard focus, on a scripted server."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from browser.chat_page import PASSWORD, ChatPage, wait_for
from browser.scripted_server import ADA, ORIGIN, ScriptedServer
from browser.settings_page import SettingsPage

GRACE = {"id": "u-grace", "name": "grace"}
SESSION = {"id": "s1", "client": "Chrome Linux", "created_at": "2026-11-22T10:00:00Z", "last_used_at": None}
AWAY = {"type": "error", "code": "unavailable", "message": "away", "retryable": True, "retry_after_ms": 60_000}


def written(scripted: ScriptedServer, first: int, last: int) -> None:
    for number in range(first, last + 1):
        scripted.append("message", text=f"m{number}", cid=f"x{number}", user=GRACE)


def opened(ada: ChatPage, scripted: ScriptedServer, messages: int) -> None:
    written(scripted, 1, messages)
    ada.page.goto(ORIGIN)
    ada.wait_connected()
    expect(ada.message(f"m{messages}")).to_be_in_viewport()


def frames(page: Page, count: int) -> None:
    """Wait for this many frames, so that anything the page does per frame has happened."""
    page.evaluate("async (count) => { for (; count > 0; count -= 1) await new Promise(requestAnimationFrame); }", count)


def test_failed_history_is_not_requested_with_every_frame(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.command_replies["history"] = lambda command: [{**AWAY, "id": command["id"]}]
    opened(ada, scripted, 120)
    ada.scroll_to_top()
    expect(ada.page.get_by_text("Loading older messages…")).to_be_visible()
    for _ in range(5):
        frames(ada.page, 5)
        ada.scroll_to_top()
    assert scripted.count_commands("history") == 1
    scripted.close(1006)
    del scripted.command_replies["history"]
    ada.scroll_back_to(ada.message("m21"))


def test_no_history_is_requested_before_an_earlier_epoch(ada: ChatPage, scripted: ScriptedServer) -> None:
    opened(ada, scripted, 120)
    scripted.log, scripted.epoch = [], "e2"
    scripted.add_message("anew")
    expect(ada.message("anew")).to_be_visible()
    ada.scroll_to_top()
    frames(ada.page, 10)
    assert scripted.count_commands("history") == 0
    expect(ada.page.get_by_text("This is the beginning of the conversation.")).to_be_hidden()


def test_document_never_scrolls(ada: ChatPage, scripted: ScriptedServer) -> None:
    """Only the timeline scrolls: a scrolling document would move the composer out of view."""
    opened(ada, scripted, 80)
    for size in ((390, 844), (844, 390), (800, 1000), (1280, 900)):
        ada.page.set_viewport_size({"width": size[0], "height": size[1]})
        assert ada.page.evaluate("document.scrollingElement.scrollHeight") == size[1], size
        assert ada.page.evaluate("document.scrollingElement.scrollWidth") == size[0], size


def test_content_stays_inside_the_safe_area_of_a_rotated_phone(ada: ChatPage, scripted: ScriptedServer) -> None:
    ada.page.set_viewport_size({"width": 844, "height": 390})
    insets = {"left": 47, "right": 47, "bottom": 21}
    devtools = ada.page.context.new_cdp_session(ada.page)
    devtools.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    opened(ada, scripted, 3)
    settings = SettingsPage(ada.page)
    settings.open("Password")
    places = [ada.composer, ada.page.get_by_role("button", name="Sign out"), ada.page.locator("#room-name")]
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
def test_small_text_and_field_borders_have_enough_contrast(
    ada: ChatPage, scripted: ScriptedServer, scheme: Literal["light", "dark"]
) -> None:
    scripted.http_answers["/api/auth/sessions"] = (200, {"sessions": [{**SESSION, "current": True}]}, {})
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
  const region = document.getElementById("message-announcement");
  new MutationObserver(() => {
    if (region.ariaLive === "polite" && region.textContent !== "") window.spoken.push(region.textContent);
  }).observe(region, { childList: true });
});
"""


def test_screen_reader_speaks_new_messages_only(ada: ChatPage, scripted: ScriptedServer) -> None:
    ada.page.add_init_script(SPOKEN)
    opened(ada, scripted, 120)
    ada.scroll_to_top()
    expect(ada.page.get_by_role("button", name="Jump to the newest")).to_be_visible()
    scripted.add_message("while you read")
    expect(ada.page.get_by_role("button", name="1 new below")).to_be_visible()
    written(scripted, 122, 200)
    scripted.refuses_replay = True
    scripted.close(1006)
    wait_for(ada.page, lambda: scripted.count_commands("join") == 2)
    scripted.add_message("and on")
    ada.page.wait_for_function("() => window.spoken.length > 1")
    assert ada.page.evaluate("window.spoken") == ["grace: while you read", "grace: and on"]


def test_screen_reader_does_not_speak_old_messages_that_a_replay_changes(
    ada: ChatPage, scripted: ScriptedServer
) -> None:
    ada.page.add_init_script(SPOKEN)
    opened(ada, scripted, 5)
    ada.page.evaluate("window.spoken.length = 0")
    grace = {"id": "u-grace", "name": "grace"}
    # Each frame shows a part of the replay: the gap, and changes of messages that are shown already.
    for kind, fields in (("reaction", {"emoji": "👍", "on": True}), ("edited", {"text": "corrected"})):
        scripted.append(kind, target=3, user=grace, **fields)
    scripted.refuses_replay = True
    scripted.close(1006)
    expect(ada.message("corrected")).to_be_visible()
    scripted.add_message("new")
    ada.page.wait_for_function("() => window.spoken.length > 0")
    assert ada.page.evaluate("window.spoken") == ["grace: new"]


def test_only_messages_count_as_new(ada: ChatPage, scripted: ScriptedServer) -> None:
    opened(ada, scripted, 80)
    ada.scroll_to_top()
    expect(ada.page.get_by_role("button", name="Jump to the newest")).to_be_visible()
    scripted.add_message("on the next day", at="2026-11-24T10:00:00Z")
    expect(ada.page.get_by_role("button", name="1 new below")).to_be_visible()


def test_focus_stays_in_the_chat_when_its_button_is_removed(ada: ChatPage, scripted: ScriptedServer) -> None:
    opened(ada, scripted, 80)
    conversation = ada.page.get_by_role("region", name="Conversation")
    ada.scroll_to_top()
    ada.page.get_by_role("button", name="Jump to the newest").press("Enter")
    expect(conversation).to_be_focused()

    scripted.close(4409)
    ada.banner.get_by_role("button").press("Enter")
    ada.wait_connected()
    expect(ada.composer).to_be_focused()

    written(scripted, 81, 140)
    scripted.refuses_replay = True
    scripted.close(1006)
    expect(ada.message("m140")).to_be_in_viewport()
    ada.scroll_to_gap()
    ada.gap.get_by_role("button", name="Load missing messages").press("Enter")
    expect(ada.gap).to_have_count(0)
    expect(conversation).to_be_focused()

    refusal = {"code": "muted", "message": "no", "retryable": False}
    scripted.send_errors = [refusal, refusal]
    ada.send("let me speak")
    ada.failed.get_by_role("button", name="Try again").press("Enter")
    expect(ada.composer).to_be_focused()
    wait_for(ada.page, lambda: scripted.send_errors == [])
    ada.failed.get_by_role("button", name="Remove").press("Enter")
    expect(ada.composer).to_be_focused()


def test_focus_stays_in_the_settings_when_its_button_is_removed(ada: ChatPage, scripted: ScriptedServer) -> None:
    settings = SettingsPage(ada.page)
    scripted.http_answers["/api/auth/sessions"] = (200, {"sessions": [SESSION]}, {})
    scripted.http_answers["/api/auth/sessions/s1"] = (204, {}, {})
    scripted.http_answers["/api/auth/totp/setup"] = (
        200,
        {"secret": "ABCD", "uri": "otpauth://totp/x", "qr": ["01"]},
        {},
    )
    scripted.http_answers["/api/auth/totp/confirm"] = (200, {"recovery_codes": ["one", "two"]}, {})
    scripted.http_answers["/api/auth/totp/disable"] = (204, {}, {})
    opened(ada, scripted, 1)
    settings.open("Sessions")
    settings.confirm(settings.row("Chrome on Linux"), "End session")
    expect(settings.dialog.get_by_text("There are no sessions.")).to_be_focused()

    settings.open("Second factor")
    heading = settings.dialog.get_by_role("heading", name="Second factor", exact=True)
    settings.fill(Your_password=PASSWORD)
    settings.press("Set up")
    settings.fill(Code="123456")
    scripted.http_answers["/api/auth/refresh"] = (503, {}, {})  # the page must not depend on the answer to the refresh
    settings.press("Confirm")
    expect(settings.secrets).to_have_count(2)
    settings.press("I have saved them")
    expect(settings.dialog.get_by_text("Your second factor is on.")).to_be_visible()
    expect(heading).to_be_focused()
    del scripted.http_answers["/api/auth/refresh"]
    settings.dialog.get_by_text("Turn off the second factor", exact=True).click()
    settings.fill(Your_password=PASSWORD, Code="123456")
    settings.press("Turn off")
    expect(settings.dialog.get_by_role("button", name="Set up")).to_be_visible()
    expect(heading).to_be_focused()


def test_failed_table_can_be_loaded_again(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/auth/sessions"] = (503, {}, {})
    opened(ada, scripted, 1)
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    expect(settings.alert).to_contain_text("The server has a problem.")
    scripted.http_answers["/api/auth/sessions"] = (200, {"sessions": [SESSION]}, {})
    settings.dialog.get_by_role("button", name="Try again").press("Enter")
    expect(settings.row("Chrome on Linux")).to_be_visible()
    expect(settings.alert).to_have_count(0)
    expect(settings.dialog.get_by_role("button", name="Try again")).to_have_count(0)
    expect(settings.row("Chrome on Linux")).to_be_focused()


def test_token_without_permissions_is_refused_before_it_is_sent(ada: ChatPage, scripted: ScriptedServer) -> None:
    admin = {**ADA, "role": "admin", "must_change_password": False, "must_set_up_totp": False}
    scripted.http_answers["/api/auth/refresh"] = (200, {"access_token": "t", "expires_in": 600, "user": admin}, {})
    scripted.http_answers["/api/admin/tokens"] = (200, {"tokens": []}, {})
    opened(ada, scripted, 1)
    settings = SettingsPage(ada.page)
    settings.open("API tokens")
    settings.dialog.get_by_text("Issue a token").click()
    settings.fill(User="ada")
    before = scripted.requests.count("/api/admin/tokens")
    for words in ("Read messages", "Write messages"):
        settings.dialog.get_by_label(words).uncheck()
    settings.press("Issue token")
    expect(settings.alert).to_contain_text("Choose at least one permission.")
    expect(settings.dialog.get_by_label("Read messages")).to_be_focused()
    assert scripted.requests.count("/api/admin/tokens") == before


def test_what_is_typed_after_a_dialog_was_closed_is_in_the_composer(chat: ChatPage) -> None:
    """A dialog that the page closes (Back, a new room) returns the focus; Chromium leaves the caret in the dialog."""
    chat.composer.focus()
    chat.page.keyboard.press("Control+k")
    expect(chat.page.get_by_role("combobox", name="Name of a room or a person")).to_be_focused()
    chat.page.keyboard.type("lob")
    chat.page.go_back()
    expect(chat.page.get_by_role("dialog")).to_have_count(0)
    expect(chat.composer).to_be_focused()
    chat.page.keyboard.type("psst")
    expect(chat.composer).to_have_value("psst")
