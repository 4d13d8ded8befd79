"""Sign-in, sign-out and sessions when the server, the browser or another tab interferes."""

import pytest
from playwright.sync_api import Page, Route, expect

from browser.chat_page import PASSWORD, ChatPage, wait_for
from browser.scripted_server import ADA, ORIGIN, Frame, ScriptedServer

GRACE = {"id": "u-grace", "name": "grace", "role": "member"}
AWAY = {"code": "unavailable", "message": "later", "retryable": True, "retry_after_ms": 600_000}
HELD_DATABASE = """
const open = IDBFactory.prototype.open;
const held = [];
let isReleased = false;
IDBFactory.prototype.open = function (...names) {
  if (isReleased) return open.apply(this, names);
  const opening = new EventTarget();
  held.push(() => {
    const request = open.apply(this, names);
    request.onupgradeneeded = () => { opening.result = request.result; opening.onupgradeneeded?.(); };
    request.onsuccess = () => { opening.result = request.result; opening.onsuccess?.(); };
  });
  return opening;
};
window.releaseDatabase = () => (isReleased = true) && held.splice(0).forEach((go) => go());
window.isDatabaseRequested = () => held.length > 0;
"""


def session_answer(user: Frame) -> Frame:
    return {"access_token": "a-token", "expires_in": 600, "user": user}


def hold(page: Page, path: str) -> list[Route]:
    """Hold every request to this path. Return the list of held requests."""
    held: list[Route] = []
    page.route(f"**{path}", lambda route: held.append(route))
    return held


def test_messages_are_never_sent_as_another_user(chat: ChatPage, scripted: ScriptedServer) -> None:
    """In another tab ada signed out and grace signed in, so the cookie is grace's."""
    scripted.send_errors = [AWAY]
    chat.send("ada's own words")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    scripted.http_answers["/api/auth/refresh"] = (200, session_answer(GRACE), {})
    scripted.close(4401)
    expect(chat.page.get_by_text("You were signed out.")).to_be_visible()
    assert len(scripted.protocols) == 1
    assert scripted.count_commands("send") == 1


def test_socket_of_another_user_is_closed(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/auth/refresh"] = (200, session_answer(GRACE), {})  # but the welcome names ada
    ada.page.goto(ORIGIN)
    expect(ada.page.get_by_text("You were signed out.")).to_be_visible()
    assert scripted.count_commands("join") == 0


def test_impatient_presses_sign_in_once(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    scripted.add_message("one")
    logins = hold(ada.page, "/api/auth/login")
    ada.page.goto(ORIGIN)
    ada.page.get_by_role("button", name="Create an account").click()
    ada.fill_credentials("ada", PASSWORD)
    ada.page.get_by_role("button", name="Create account").click()
    wait_for(ada.page, lambda: logins)
    ada.page.get_by_role("button", name="Create an account").click()
    ada.page.get_by_role("button", name="Sign in").click()
    ada.page.get_by_label("Password", exact=True).press("Enter")
    assert len(logins) == 1
    logins[0].fulfill(json=session_answer(ADA))
    ada.wait_connected()
    expect(ada.messages).to_have_count(1)
    assert len(scripted.sockets) == 1


def test_sign_out_while_the_database_opens_stays_signed_out(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/auth/refresh"] = (200, session_answer({**ADA, "must_change_password": True}), {})
    scripted.http_answers["/api/auth/password"] = (204, {}, {})
    ada.page.add_init_script(HELD_DATABASE)
    ada.page.goto(ORIGIN)
    ada.page.get_by_label("Current password").fill(PASSWORD)
    ada.page.get_by_role("textbox", name="New password").fill("my own long pass phrase")
    ada.page.get_by_role("button", name="Save and continue").click()
    ada.page.wait_for_function("() => isDatabaseRequested()")
    ada.page.get_by_role("button", name="Sign out").click()
    ada.page.evaluate("releaseDatabase()")
    ada.wait_for("async () => (await indexedDB.databases()).length === 0")
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert scripted.protocols == []


def test_password_change_answered_after_sign_out_opens_no_chat(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/auth/refresh"] = (200, session_answer({**ADA, "must_change_password": True}), {})
    changes = hold(ada.page, "/api/auth/password")
    ada.page.goto(ORIGIN)
    ada.page.get_by_label("Current password").fill(PASSWORD)
    ada.page.get_by_role("textbox", name="New password").fill("my own long pass phrase")
    ada.page.get_by_role("button", name="Save and continue").click()
    wait_for(ada.page, lambda: changes)
    ada.page.get_by_role("button", name="Sign out").click()
    ada.sign_in("ada")
    ada.wait_connected()
    with ada.page.expect_request_finished(lambda request: request.url.endswith("/api/auth/password")):
        changes[0].fulfill(status=204)
    ada.page.evaluate("indexedDB.databases()")  # answered after everything that was opened before
    scripted.add_message("one")
    expect(ada.message("one")).to_be_visible()
    assert len(scripted.protocols) == 1


def test_refused_new_password_is_shown_at_its_field(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/auth/refresh"] = (200, session_answer({**ADA, "must_change_password": True}), {})
    refusal = {"code": "bad_request", "message": "too short", "retryable": False, "field": "new_password"}
    scripted.http_answers["/api/auth/password"] = (422, {"error": refusal}, {})
    ada.page.goto(ORIGIN)
    ada.page.get_by_label("Current password").fill(PASSWORD)
    ada.page.get_by_role("textbox", name="New password").fill("short")
    ada.page.get_by_role("button", name="Save and continue").click()
    expect(ada.alert).to_have_text("Too short.")
    field = ada.page.get_by_role("textbox", name="New password")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    # An administrator ended the session meanwhile: the page has to offer the sign-in.
    ended = {"error": {"code": "unauthenticated", "message": "sign in again", "retryable": False}}
    scripted.http_answers["/api/auth/password"] = scripted.http_answers["/api/auth/refresh"] = (401, ended, {})
    ada.page.get_by_role("button", name="Save and continue").click()
    expect(ada.page.get_by_text("You were signed out. Sign in again")).to_be_visible()


def test_unsent_messages_survive_the_sign_out_of_another_tab(chat: ChatPage, scripted: ScriptedServer) -> None:
    other = chat.page.context.new_page()
    other.goto(f"{ORIGIN}/icon.svg")
    delete = """() => new Promise((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase("cloudchat");
      deleting.onsuccess = () => resolve();
      deleting.onblocked = deleting.onerror = () => reject();
    })"""
    other.evaluate(delete)
    scripted.send_errors = [AWAY]
    chat.send("written after that")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    chat.wait_unsent("written after that")
    scripted.send_errors = [AWAY]
    chat.page.reload()
    expect(chat.pending).to_contain_text("written after that")
    other.evaluate(delete)
    scripted.http_answers["/api/auth/logout"] = (503, {}, {})
    chat.page.get_by_role("button", name="Sign out").click()
    chat.page.get_by_role("dialog", name="Sign out").get_by_role("button", name="Sign out").click()
    expect(chat.page.get_by_text("the server did not confirm it")).to_be_visible()


def test_sign_out_asks_before_it_discards_unsent_messages(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.send_errors = [AWAY]
    chat.send("not yet sent")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    chat.page.get_by_role("button", name="Sign out").click()
    asking = chat.page.get_by_role("dialog", name="Sign out")
    expect(asking.get_by_text("1 message is not sent yet.")).to_be_visible()
    expect(asking.get_by_role("button", name="Cancel")).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(asking).to_have_count(0)
    expect(chat.pending).to_have_count(1)
    chat.page.get_by_role("button", name="Sign out").click()
    asking.get_by_role("button", name="Sign out").click()
    expect(chat.page.get_by_label("Username")).to_be_focused()
    chat.sign_in("ada")
    chat.wait_connected()
    expect(chat.pending).to_have_count(0)
    expect(chat.page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()


def test_draft_is_kept_when_the_session_ends(chat: ChatPage, scripted: ScriptedServer) -> None:
    chat.composer.fill("half a mess")
    scripted.signed_in = False
    scripted.close(4401)
    expect(chat.page.get_by_text("You were signed out.")).to_be_visible()
    chat.sign_in("ada")
    chat.wait_connected()
    expect(chat.composer).to_have_value("half a mess")
    chat.page.get_by_role("button", name="Sign out").click()
    asking = chat.page.get_by_role("dialog", name="Sign out")
    expect(asking.get_by_text("1 draft is not sent.")).to_be_visible()
    asking.get_by_role("button", name="Sign out").click()
    chat.sign_in("ada")
    chat.wait_connected()
    expect(chat.composer).to_have_value("")


@pytest.mark.parametrize("path", ["/config.json", "/api/auth/refresh"])
def test_reload_without_a_server_keeps_the_session(ada: ChatPage, scripted: ScriptedServer, path: str) -> None:
    scripted.http_answers[path] = (403, {}, {})  # the answer of a storage bucket in place of the server
    ada.page.goto(ORIGIN)
    again = ada.page.get_by_role("button", name="Try again")
    again.click()
    expect(again).to_be_visible()
    del scripted.http_answers[path]
    again.click()
    ada.wait_connected()


def test_failed_sign_out_request_does_not_take_the_focus(chat: ChatPage, scripted: ScriptedServer) -> None:
    sign_outs = hold(chat.page, "/api/auth/logout")
    chat.page.get_by_role("button", name="Sign out").click()
    password = chat.page.get_by_label("Password", exact=True)
    password.click()
    chat.page.keyboard.type("five pur")
    wait_for(chat.page, lambda: sign_outs)
    sign_outs[0].abort()
    expect(chat.page.get_by_text("the server did not confirm it")).to_be_visible()
    expect(password).to_be_focused()
    expect(password).to_have_value("five pur")


def test_refused_sign_in_keeps_the_focus(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    wrong = {"error": {"code": "unauthenticated", "message": "wrong", "retryable": False}}
    scripted.http_answers["/api/auth/login"] = (401, wrong, {})
    ada.page.goto(ORIGIN)
    ada.fill_credentials("ada", PASSWORD)
    ada.page.get_by_role("button", name="Sign in").press("Enter")
    expect(ada.alert).to_have_text("Wrong.")
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_focused()
