"""The account sections of the settings: password, second factor, sessions."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from browser.chat_page import PASSWORD, ChatPage
from browser.scripted_server import ADA, ORIGIN, ScriptedServer
from browser.settings_page import SettingsPage, next_code
from support.accounts import login
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]
NEXT = "a long phrase that is new"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One server for all tests of this module; each test has its own users."""
    with RunningServer(environment={"CLOUDCHAT_LOGIN_FAILURES_PER_CLIENT": "1000/minute"}) as running:
        yield running


def test_chat_stays_connected_behind_the_settings(server: RunningServer, open_page: OpenPage) -> None:
    ada, grace = open_page(), open_page()
    ada.register(server.url, "ada1")
    grace.register(server.url, "grace1")
    SettingsPage(ada.page).open("Sessions")
    grace.send("are you there?")
    expect(ada.message("are you there?")).to_have_count(1)
    ada.page.keyboard.press("Escape")
    expect(ada.message("are you there?")).to_be_visible()
    ada.send("I am")
    expect(grace.message("I am")).to_be_visible()


def open_twice(server: RunningServer, open_page: OpenPage, name: str) -> tuple[ChatPage, ChatPage]:
    """Register a user, and sign the user in on a second device, too."""
    here, elsewhere = open_page(), open_page()
    here.register(server.url, name)
    elsewhere.page.goto(server.url)
    elsewhere.sign_in(name)
    elsewhere.wait_connected()
    return here, elsewhere


def test_changing_the_password_ends_the_other_sessions(server: RunningServer, open_page: OpenPage) -> None:
    ada, elsewhere = open_twice(server, open_page, "ada2")
    settings = SettingsPage(ada.page)
    settings.open("Password")
    settings.fill(Current_password="wrong wrong wrong wrong", New_password=NEXT)
    settings.press("Change password")
    expect(settings.dialog.get_by_label("Current password")).to_be_focused()
    expect(settings.alert).to_be_visible()
    settings.fill(Current_password=PASSWORD, New_password="short")
    settings.press("Change password")
    expect(settings.dialog.get_by_role("textbox", name="New password")).to_be_focused()
    expect(settings.alert).to_contain_text("15")
    settings.fill(New_password=NEXT)
    settings.press("Change password")
    expect(settings.dialog.get_by_text("Your password was changed.")).to_be_visible()
    expect(elsewhere.page.get_by_text("You were signed out.")).to_be_visible()
    elsewhere.sign_in("ada2", NEXT)
    elsewhere.wait_connected()
    settings.close()
    ada.send("I am still here")
    expect(elsewhere.message("I am still here")).to_be_visible()


def test_ending_a_session_signs_its_device_out(server: RunningServer, open_page: OpenPage) -> None:
    ada, elsewhere = open_twice(server, open_page, "ada3")
    SettingsPage(elsewhere.page).open("Password")
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    expect(settings.row("Chrome on Linux")).to_have_count(2)
    expect(settings.row("this one").get_by_role("button")).to_have_count(0)
    other = settings.row("Chrome on Linux").filter(has_not_text="this one")
    settings.confirm(other, "End session")
    expect(other).to_have_count(0)
    expect(elsewhere.page.get_by_text("You were signed out.")).to_be_visible()
    expect(SettingsPage(elsewhere.page).dialog).to_be_hidden()


def test_leaving_a_confirmation_cancels_it(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada4")
    login(server.url, "ada4")
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    end = settings.dialog.get_by_role("row").get_by_role("button", name="End session")
    question = ada.page.get_by_role("dialog", name="End session")
    for leave in ("Escape", "Enter"):  # the focus is on "Cancel"
        end.press("Enter")
        expect(question.get_by_role("button", name="Cancel")).to_be_focused()
        ada.page.keyboard.press(leave)
        expect(question).to_have_count(0)
        expect(end).to_be_focused()


def test_second_factor_is_set_up_used_and_turned_off(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada5")
    settings = SettingsPage(ada.page)
    settings.open("Second factor")
    settings.fill(Your_password="wrong wrong wrong wrong")
    settings.press("Set up")
    expect(settings.dialog.get_by_label("Your password")).to_be_focused()
    app, recovery = settings.set_up_second_factor()
    expect(settings.dialog.get_by_text("Your second factor is on.")).to_be_visible()
    settings.close()

    ada.page.get_by_role("button", name="Sign out").click()
    code = ada.page.get_by_label("Authentication code")
    expect(code).to_be_hidden()
    ada.sign_in("ada5")
    expect(code).to_be_focused()
    expect(ada.alert).to_have_count(0)  # the password was right: this is not an error
    code.fill("000000")
    code.press("Enter")
    expect(ada.alert).to_contain_text("code is wrong")
    expect(code).to_have_attribute("aria-invalid", "true")
    code.fill(next_code(app))
    code.press("Enter")
    ada.wait_connected()

    ada.page.get_by_role("button", name="Sign out").click()
    ada.sign_in("ada5")
    code.fill(recovery[0])
    code.press("Enter")
    ada.wait_connected()

    settings.open("Second factor")
    settings.dialog.get_by_text("Turn off the second factor", exact=True).click()
    settings.fill(Your_password=PASSWORD, Code=recovery[0])
    settings.press("Turn off")
    expect(settings.dialog.get_by_label("Code")).to_be_focused()
    settings.fill(Code=recovery[1])
    settings.press("Turn off")
    expect(settings.dialog.get_by_role("button", name="Set up")).to_be_visible()
    settings.close()
    ada.page.get_by_role("button", name="Sign out").click()
    ada.sign_in("ada5")
    ada.wait_connected()


QR_FILLED = """
(image, size) => {
  const path = image.querySelector("path");
  const isDark = (x, y) => path.isPointInFill(new DOMPoint(x + 0.5, y + 0.5));
  const cells = Array.from({ length: size }, (_, index) => index);
  return cells.map((y) => cells.map((x) => (isDark(x, y) ? "1" : "0")).join(""));
}
"""


def test_qr_code_shows_every_module(ada: ChatPage, scripted: ScriptedServer) -> None:
    rows = ["00000", "01110", "00010", "01010", "00000"]
    setup = {"secret": "ABCD", "uri": "otpauth://totp/x", "qr": rows}
    scripted.http_answers["/api/auth/totp/setup"] = (200, setup, {})
    ada.page.goto("http://localhost")
    ada.wait_connected()
    settings = SettingsPage(ada.page)
    settings.open("Second factor")
    settings.fill(Your_password=PASSWORD)
    settings.press("Set up")
    image = settings.dialog.get_by_role("img", name="QR code")
    expect(image).to_have_attribute("viewBox", "0 0 5 5")
    assert image.evaluate(QR_FILLED, len(rows)) == rows
    assert image.locator("rect").get_attribute("fill") == "#ffffff"


def test_one_time_code_is_not_sent_with_another_username(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    wanted = {"code": "second_factor_required", "message": "enter the code", "retryable": False, "field": "totp"}
    scripted.http_answers["/api/auth/login"] = (401, {"error": wanted}, {})
    ada.page.goto("http://localhost")
    ada.sign_in("ada")
    code = ada.page.get_by_label("Authentication code")
    code.fill("123456")
    ada.page.get_by_label("Username").fill("grace")
    expect(code).to_be_hidden()
    expect(code).to_have_value("")


def test_only_administrators_see_the_administration(ada: ChatPage, scripted: ScriptedServer) -> None:
    settings = SettingsPage(ada.page)
    ada.page.goto("http://localhost")
    ada.wait_connected()
    settings.open("Password")
    expect(settings.dialog.get_by_role("group", name="Administration")).to_have_count(0)
    admin = {**ADA, "role": "admin", "must_change_password": False, "totp_enabled": False, "must_set_up_totp": False}
    scripted.http_answers["/api/auth/refresh"] = (200, {"access_token": "t", "expires_in": 600, "user": admin}, {})
    scripted.close(4401)  # a new role closes the sockets; the next token carries the role
    expect(settings.dialog.get_by_role("group", name="Administration")).to_be_visible()
    expect(settings.dialog.get_by_role("heading", name="Password")).to_be_visible()


def test_one_time_secret_is_not_lost_without_a_question(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.add_message("one")
    setup = {"secret": "ABCD", "uri": "otpauth://totp/x", "qr": ["01"]}
    scripted.http_answers["/api/auth/totp/setup"] = (200, setup, {})
    scripted.http_answers["/api/auth/totp/confirm"] = (200, {"recovery_codes": ["one", "two"]}, {})
    ada.page.goto(ORIGIN)
    ada.wait_connected()
    settings = SettingsPage(ada.page)
    settings.open("Second factor")
    settings.fill(Your_password=PASSWORD)
    settings.press("Set up")
    settings.fill(Code="123456")
    settings.press("Confirm")
    expect(settings.secrets).to_have_count(2)
    question = settings.dialog.get_by_text("This is shown only once. Have you saved it?")
    for way in ("Escape", "Escape", "Back", "Close", "Sessions"):  # a browser may let the second Escape in a row pass
        if way == "Escape":
            ada.page.keyboard.press(way)
        elif way == "Back":
            ada.page.go_back()
        else:
            settings.press(way)
        expect(question).to_be_visible()
        expect(settings.secrets).to_have_count(2)
    settings.press("Keep it open")
    expect(question).to_be_hidden()
    ada.page.keyboard.press("Escape")
    settings.press("Discard it")
    expect(settings.dialog).to_be_hidden()
