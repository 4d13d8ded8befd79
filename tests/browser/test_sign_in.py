"""Sign-in, registration and sign-out on a real server."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Route, expect

from browser.chat_page import PASSWORD, ChatPage
from cloudchat.resources import frontend_directory
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]

STYLESHEET = re.compile(r'<link rel="stylesheet" href="(.+)">')


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One server for all tests of this module; each test has its own users."""
    with RunningServer(environment={"CLOUDCHAT_LOGIN_FAILURES_PER_CLIENT": "1000/minute"}) as running:
        yield running


def test_reload_keeps_the_session(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada1")
    ada.page.reload()
    ada.wait_connected()
    ada.page.reload()
    ada.page.reload()  # a second reload before the first is done: the refreshed cookie must not be lost
    ada.wait_connected()


def test_scripts_cannot_read_a_token(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada2")
    readable = ada.page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert "refresh" not in readable
    assert "eyJ" not in readable
    (cookie,) = ada.page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"


def test_sign_out_leaves_nothing_behind(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada3")
    ada.send("hello")
    expect(ada.message("hello")).to_be_visible()
    with ada.page.expect_request_finished(lambda request: request.url.endswith("/api/auth/logout")):
        ada.page.get_by_role("button", name="Sign out").click()
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(ada.messages).to_have_count(0)
    ada.wait_for("async () => (await indexedDB.databases()).length === 0")
    assert ada.page.evaluate("localStorage.length") == 0
    assert ada.page.context.cookies() == []
    ada.page.reload()
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_sign_in_after_a_wrong_password(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada4")
    ada.page.get_by_role("button", name="Sign out").click()
    ada.sign_in("ada4", "a wrong password it is")
    expect(ada.alert).to_have_text("Unknown username or wrong password.")
    ada.sign_in("ada4", PASSWORD)
    ada.wait_connected()


def test_taken_username_and_short_password_are_shown_at_their_fields(
    server: RunningServer, open_page: OpenPage
) -> None:
    ada, grace = open_page(), open_page()
    ada.register(server.url, "ada5")
    grace.page.goto(server.url)
    grace.page.get_by_role("button", name="Create an account").click()
    grace.fill_credentials("ADA5", PASSWORD)
    grace.page.get_by_role("button", name="Create account").click()
    expect(grace.alert).to_have_text("This username is taken.")
    expect(grace.page.get_by_label("Username")).to_be_focused()
    grace.fill_credentials("grace5", "short")
    grace.page.get_by_role("button", name="Create account").click()
    expect(grace.alert).to_contain_text("15")
    expect(grace.page.get_by_label("Password", exact=True)).to_be_focused()


def test_first_administrator_chooses_a_password(server: RunningServer, open_page: OpenPage) -> None:
    admin = open_page()
    admin.page.goto(server.url)
    expect(admin.page.get_by_role("heading", name="Welcome to cloudchat")).to_be_visible()
    admin.sign_in("admin", server.first_password)
    expect(admin.page.get_by_label("Current password")).to_be_hidden()  # it was entered a moment ago
    password = admin.page.get_by_role("textbox", name="New password")
    password.fill("my own long pass phrase")
    admin.page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    admin.page.get_by_role("button", name="Save and continue").click()
    admin.wait_connected()
    admin.page.reload()
    admin.wait_connected()


def test_registration_without_the_required_invite_is_explained(open_page: OpenPage) -> None:
    with RunningServer(environment={"CLOUDCHAT_REGISTRATION": "invite"}) as server:
        ada = open_page()
        ada.page.goto(server.url)
        ada.page.get_by_role("button", name="Create an account").click()
        ada.fill_credentials("ada", PASSWORD)
        ada.page.get_by_role("button", name="Create account").click()
        expect(ada.alert).to_contain_text("needs a valid invite")
        expect(ada.page.get_by_label("Invite code")).to_be_focused()


def test_lost_refresh_answers_keep_the_session(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada7")
    lost: list[int] = []

    def lose(route: Route) -> None:
        answer = httpx.post(
            route.request.url, headers=route.request.all_headers(), content=route.request.post_data or "", verify=False
        )
        lost.append(answer.status_code)
        route.abort("connectionreset")

    ada.page.route("**/api/auth/refresh", lose, times=2)
    ada.page.reload()
    ada.wait_connected()
    assert lost == [200, 200]
    ada.page.reload()
    ada.wait_connected()


def test_tabs_that_refresh_at_the_same_time_stay_signed_in(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.page.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    ada.register(server.url, "ada8")
    tabs = [ada, *(ChatPage(ada.page.context.new_page()) for _ in range(2))]
    for tab in tabs[1:]:
        tab.page.goto(server.url)
    for _ in range(3):
        for tab in tabs:
            tab.page.evaluate("setTimeout(() => location.reload())")
        for tab in tabs:
            tab.wait_connected()


def test_every_style_sheet_is_applied(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.page.goto(server.url)
    rules = ada.page.evaluate(
        "[...document.styleSheets].map(sheet => [new URL(sheet.href).pathname, sheet.cssRules.length])"
    )
    assert [path for path, _ in rules] == ["/styles.css"]
    assert rules[0][1] > 300
    sources = {path.relative_to(frontend_directory()).as_posix() for path in frontend_directory().rglob("*.css")}
    assert sources == set(STYLESHEET.findall((frontend_directory() / "index.html").read_text()))
