"""One's own account in the page: password, second factor, sessions."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from browser.chat_page import PASSWORD, ChatPage
from browser.scripted_server import ADA, ScriptedServer
from browser.settings_page import SettingsPage, next_code
from support.accounts import login
from support.server import RunningServer

People = Callable[[], ChatPage]
NEXT = "a long phrase that is new"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One for all tests here: each has people of its own."""
    with RunningServer(environment={"CLOUDCHAT_LOGIN_FAILURES_PER_CLIENT": "1000/minute"}) as running:
        yield running


def test_the_chat_goes_on_behind_the_settings(server: RunningServer, person: People) -> None:
    ada, grace = person(), person()
    ada.register(server.url, "ada1")
    grace.register(server.url, "grace1")
    SettingsPage(ada.page).open("Sessions")
    grace.write("are you there?")
    expect(ada.says("are you there?")).to_have_count(1)
    ada.page.keyboard.press("Escape")
    expect(ada.says("are you there?")).to_be_visible()
    ada.write("I am")
    expect(grace.says("I am")).to_be_visible()


def test_a_changed_password_ends_the_other_sessions(server: RunningServer, person: People) -> None:
    ada, elsewhere = person(), person()
    ada.register(server.url, "ada2")
    elsewhere.page.goto(server.url)
    elsewhere.sign_in("ada2")
    elsewhere.is_connected()
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
    expect(elsewhere.page.get_by_text("You were signed out.")).to_be_visible(timeout=15_000)
    elsewhere.sign_in("ada2", NEXT)
    elsewhere.is_connected()
    settings.close()
    ada.write("I am still here")
    expect(elsewhere.says("I am still here")).to_be_visible()


def test_ending_a_session_signs_that_device_out(server: RunningServer, person: People) -> None:
    ada, elsewhere = person(), person()
    ada.register(server.url, "ada3")
    elsewhere.page.goto(server.url)
    elsewhere.sign_in("ada3")
    elsewhere.is_connected()
    SettingsPage(elsewhere.page).open("Password")
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    expect(settings.row("Chrome on Linux")).to_have_count(2)
    expect(settings.row("this one").get_by_role("button")).to_have_count(0)
    other = settings.row("Chrome on Linux").filter(has_not_text="this one")
    settings.do(other, "End", "End session?")
    expect(other).to_have_count(0)
    expect(elsewhere.page.get_by_text("You were signed out.")).to_be_visible(timeout=15_000)
    expect(SettingsPage(elsewhere.page).dialog).to_be_hidden()


def test_a_question_that_is_left_is_a_no(server: RunningServer, person: People) -> None:
    ada = person()
    ada.register(server.url, "ada4")
    login(server.url, "ada4")
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    other = settings.dialog.get_by_role("row").filter(has=ada.page.get_by_role("button", name="End"))
    other.get_by_role("button").press("Enter")
    expect(other.get_by_role("button")).to_have_text("End session?")
    ada.page.keyboard.press("Shift+Tab")
    expect(other.get_by_role("button")).to_have_text("End")


def test_signing_in_with_a_second_factor(server: RunningServer, person: People) -> None:
    ada = person()
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
    expect(ada.alert).to_have_count(0)  # the password was right: nothing to be alarmed about
    code.fill("000000")
    code.press("Enter")
    expect(ada.alert).to_contain_text("code is wrong")
    expect(code).to_have_attribute("aria-invalid", "true")
    code.fill(next_code(app))
    code.press("Enter")
    ada.is_connected()

    ada.page.get_by_role("button", name="Sign out").click()
    ada.sign_in("ada5")
    code.fill(recovery[0])
    code.press("Enter")
    ada.is_connected()

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
    ada.is_connected()


def test_a_code_is_not_sent_with_another_name(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    wanted = {"code": "second_factor_required", "message": "enter the code", "retryable": False, "field": "totp"}
    scripted.answers["/api/auth/login"] = (401, {"error": wanted}, {})
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
    ada.is_connected()
    settings.open("Password")
    expect(settings.dialog.get_by_role("group", name="Administration")).to_have_count(0)
    admin = {**ADA, "role": "admin", "must_change_password": False, "totp_enabled": False, "must_set_up_totp": False}
    scripted.answers["/api/auth/refresh"] = (200, {"access_token": "t", "expires_in": 600, "user": admin}, {})
    scripted.close(4401)  # a new role ends the sockets; the next token tells it to the page
    expect(settings.dialog.get_by_role("group", name="Administration")).to_be_visible()
    expect(settings.dialog.get_by_role("heading", name="Password")).to_be_visible()
