"""Coming in and going out while the server, the browser or another tab is not as one would wish."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from browser.chat_page import PASSWORD, ChatPage
from browser.scripted_server import ADA, ORIGIN, ScriptedServer

GRACE = {"id": "u-grace", "name": "grace", "role": "member"}
AWAY = {"code": "unavailable", "message": "later", "retryable": True, "retry_after_ms": 600_000}
HELD_DATABASE = """
const open = IDBFactory.prototype.open;
const held = [];
IDBFactory.prototype.open = function (...names) {
  const asked = new EventTarget();
  held.push(() => {
    const request = open.apply(this, names);
    request.onupgradeneeded = () => { asked.result = request.result; asked.onupgradeneeded?.(); };
    request.onsuccess = () => { asked.result = request.result; asked.onsuccess?.(); };
  });
  return asked;
};
window.letDatabaseOpen = () => held.splice(0).forEach((go) => go());
window.isDatabaseAsked = () => held.length > 0;
"""


def answered(user: dict[str, object]) -> dict[str, object]:
    return {"access_token": "a-token", "expires_in": 600, "user": user}


def hold(page: Page, path: str) -> list[Route]:
    """Requests to that path wait in the list that comes back."""
    held: list[Route] = []
    page.route(f"**{path}", lambda route: held.append(route))
    return held


def wait_for(page: Page, condition: Callable[[], object]) -> None:
    """Lets the browser go on until the condition holds."""
    for _ in range(500):
        if condition():
            return
        page.wait_for_timeout(10)
    raise AssertionError("that did not come about")


def test_what_one_person_wrote_never_goes_out_as_somebody_else(chat: ChatPage, scripted: ScriptedServer) -> None:
    """In another tab ada signed out and grace signed in: the cookie is hers."""
    scripted.errors = [AWAY]
    chat.write("ada's own words")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    scripted.answers["/api/auth/refresh"] = (200, answered(GRACE), {})
    scripted.close(4401)
    expect(chat.page.get_by_text("You were signed out.")).to_be_visible()
    assert len(scripted.protocols) == 1
    assert scripted.count("send") == 1


def test_a_socket_of_somebody_else_is_left(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.answers["/api/auth/refresh"] = (200, answered(GRACE), {})  # the socket's welcome names ada
    ada.page.goto(ORIGIN)
    expect(ada.page.get_by_text("You were signed out.")).to_be_visible()
    assert scripted.count("join") == 0


def test_who_presses_on_while_signing_in_is_signed_in_once(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    scripted.say("one")
    logins = hold(ada.page, "/api/auth/login")
    ada.page.goto(ORIGIN)
    ada.page.get_by_role("button", name="Create an account").click()
    ada.fill_in("ada", PASSWORD)
    ada.page.get_by_role("button", name="Create account").click()
    wait_for(ada.page, lambda: logins)
    ada.page.get_by_role("button", name="Create an account").click()
    ada.page.get_by_role("button", name="Sign in").click()
    ada.page.get_by_label("Password", exact=True).press("Enter")
    assert len(logins) == 1
    logins[0].fulfill(json=answered(ADA))
    ada.is_connected()
    expect(ada.messages).to_have_count(1)
    assert len(scripted.sockets) == 1


def test_who_signs_out_while_the_page_still_opens_is_signed_out(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.answers["/api/auth/refresh"] = (200, answered({**ADA, "must_change_password": True}), {})
    scripted.answers["/api/auth/password"] = (204, {}, {})
    ada.page.add_init_script(HELD_DATABASE)
    ada.page.goto(ORIGIN)
    ada.page.get_by_label("Current password").fill(PASSWORD)
    ada.page.get_by_role("textbox", name="New password").fill("my own long pass phrase")
    ada.page.get_by_role("button", name="Save and continue").click()
    ada.page.wait_for_function("isDatabaseAsked()")
    ada.page.get_by_role("button", name="Sign out").click()
    ada.page.evaluate("letDatabaseOpen()")
    ada.page.wait_for_function("async () => (await indexedDB.databases()).length === 0")
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert scripted.protocols == []


def test_a_password_that_is_changed_after_the_sign_out_opens_nothing(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.answers["/api/auth/refresh"] = (200, answered({**ADA, "must_change_password": True}), {})
    changes = hold(ada.page, "/api/auth/password")
    ada.page.goto(ORIGIN)
    ada.page.get_by_label("Current password").fill(PASSWORD)
    ada.page.get_by_role("textbox", name="New password").fill("my own long pass phrase")
    ada.page.get_by_role("button", name="Save and continue").click()
    wait_for(ada.page, lambda: changes)
    ada.page.get_by_role("button", name="Sign out").click()
    ada.sign_in("ada")
    ada.is_connected()
    with ada.page.expect_request_finished(lambda request: request.url.endswith("/api/auth/password")):
        changes[0].fulfill(status=204)
    ada.page.evaluate("indexedDB.databases()")  # answered after whatever that opened
    scripted.say("one")
    expect(ada.says("one")).to_be_visible()
    assert len(scripted.protocols) == 1


def test_a_new_password_that_is_refused_is_said_at_its_field(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.answers["/api/auth/refresh"] = (200, answered({**ADA, "must_change_password": True}), {})
    refusal = {"code": "bad_request", "message": "too short", "retryable": False, "field": "new_password"}
    scripted.answers["/api/auth/password"] = (422, {"error": refusal}, {})
    ada.page.goto(ORIGIN)
    ada.page.get_by_label("Current password").fill(PASSWORD)
    ada.page.get_by_role("button", name="Save and continue").click()
    expect(ada.alert).to_have_text("Too short.")
    field = ada.page.get_by_role("textbox", name="New password")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    # An administrator ended the sign-in meanwhile: the way on is to sign in again, not only out.
    ended = {"error": {"code": "unauthenticated", "message": "sign in again", "retryable": False}}
    scripted.answers["/api/auth/password"] = scripted.answers["/api/auth/refresh"] = (401, ended, {})
    ada.page.get_by_role("button", name="Save and continue").click()
    expect(ada.page.get_by_text("You were signed out. Sign in again")).to_be_visible()


def test_what_is_unsent_survives_another_tabs_sign_out(chat: ChatPage, scripted: ScriptedServer) -> None:
    other = chat.page.context.new_page()
    other.goto(f"{ORIGIN}/icon.svg")
    delete = """() => new Promise((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase("cloudchat");
      deleting.onsuccess = () => resolve();
      deleting.onblocked = deleting.onerror = () => reject();
    })"""
    other.evaluate(delete)
    scripted.errors = [AWAY]
    chat.write("written after that")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    scripted.errors = [AWAY]
    chat.page.reload()
    expect(chat.pending).to_contain_text("written after that")
    other.evaluate(delete)
    scripted.answers["/api/auth/logout"] = (503, {}, {})
    chat.page.get_by_role("button", name="Sign out").dblclick()
    chat.page.get_by_role("button", name="unsent").click()
    expect(chat.page.get_by_text("the server could not be told")).to_be_visible()


def test_signing_out_asks_before_something_unsent_is_lost(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.errors = [AWAY]
    chat.write("not yet sent")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    chat.page.get_by_role("button", name="Sign out").click()
    asking = chat.page.get_by_role("button", name="Discard 1 unsent message?")
    expect(asking).to_be_focused()
    chat.box.focus()
    expect(asking).to_have_count(0)
    expect(chat.pending).to_have_count(1)
    chat.page.get_by_role("button", name="Sign out").click()
    asking.click()
    expect(chat.page.get_by_label("Username")).to_be_focused()
    chat.sign_in("ada")
    chat.is_connected()
    expect(chat.pending).to_have_count(0)
    expect(chat.page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()


def test_what_is_half_written_when_the_sign_in_ends_is_kept(chat: ChatPage, scripted: ScriptedServer) -> None:
    chat.box.fill("half a mess")
    scripted.signed_in = False
    scripted.close(4401)
    expect(chat.page.get_by_text("You were signed out.")).to_be_visible()
    chat.sign_in("ada")
    chat.is_connected()
    expect(chat.box).to_have_value("half a mess")
    chat.page.get_by_role("button", name="Sign out").click()
    chat.sign_in("ada")
    chat.is_connected()
    expect(chat.box).to_have_value("")


@pytest.mark.parametrize("path", ["/config.json", "/api/auth/refresh"])
def test_a_reload_while_the_server_is_away_signs_nobody_out(ada: ChatPage, scripted: ScriptedServer, path: str) -> None:
    scripted.answers[path] = (403, {}, {})  # what a bucket answers where the server should
    ada.page.goto(ORIGIN)
    again = ada.page.get_by_role("button", name="Try again")
    again.click()
    expect(again).to_be_visible()
    del scripted.answers[path]
    again.click()
    ada.is_connected()


def test_a_sign_out_that_could_not_be_told_interrupts_nobody(chat: ChatPage, scripted: ScriptedServer) -> None:
    told = hold(chat.page, "/api/auth/logout")
    chat.page.get_by_role("button", name="Sign out").click()
    password = chat.page.get_by_label("Password", exact=True)
    password.focus()
    chat.page.keyboard.type("five pur")
    wait_for(chat.page, lambda: told)
    told[0].abort()
    expect(chat.page.get_by_text("the server could not be told")).to_be_visible()
    expect(password).to_be_focused()
    expect(password).to_have_value("five pur")


def test_a_refused_sign_in_leaves_the_focus_where_it_was(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    wrong = {"error": {"code": "unauthenticated", "message": "wrong", "retryable": False}}
    scripted.answers["/api/auth/login"] = (401, wrong, {})
    ada.page.goto(ORIGIN)
    ada.fill_in("ada", PASSWORD)
    ada.page.get_by_role("button", name="Sign in").press("Enter")
    expect(ada.alert).to_have_text("Wrong.")
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_focused()
