"""Coming in and going out."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Route, expect

from browser.chat_page import PASSWORD, ChatPage
from cloudchat.resources import frontend_directory
from support.server import RunningServer

People = Callable[[], ChatPage]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One for all tests here: each has people of its own."""
    with RunningServer(environment={"CLOUDCHAT_LOGIN_FAILURES_PER_CLIENT": "1000/minute"}) as running:
        yield running


def test_a_reload_keeps_the_person_signed_in(server: RunningServer, person: People) -> None:
    ada = person()
    ada.register(server.url, "ada1")
    ada.page.reload()
    ada.is_connected()
    ada.page.reload()
    ada.page.reload()  # a second one before the first is done: its refreshed cookie must not get lost
    ada.is_connected()


def test_no_script_can_read_a_token(server: RunningServer, person: People) -> None:
    ada = person()
    ada.register(server.url, "ada2")
    readable = ada.page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert "refresh" not in readable
    assert "eyJ" not in readable
    (cookie,) = ada.page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"


def test_signing_out_leaves_nothing_behind(server: RunningServer, person: People) -> None:
    ada = person()
    ada.register(server.url, "ada3")
    ada.write("hello")
    expect(ada.says("hello")).to_be_visible()
    with ada.page.expect_request_finished(lambda request: request.url.endswith("/api/auth/logout")):
        ada.page.get_by_role("button", name="Sign out").click()
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(ada.messages).to_have_count(0)
    ada.page.wait_for_function("async () => (await indexedDB.databases()).length === 0")
    assert ada.page.evaluate("localStorage.length") == 0
    assert ada.page.context.cookies() == []
    ada.page.reload()
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_signing_in_again(server: RunningServer, person: People) -> None:
    ada = person()
    ada.register(server.url, "ada4")
    ada.page.get_by_role("button", name="Sign out").click()
    ada.sign_in("ada4", "a wrong password it is")
    expect(ada.alert).to_have_text("Unknown username or wrong password.")
    ada.sign_in("ada4", PASSWORD)
    ada.is_connected()


def test_a_taken_name_and_a_short_password_are_said_at_the_form(server: RunningServer, person: People) -> None:
    ada, grace = person(), person()
    ada.register(server.url, "ada5")
    grace.page.goto(server.url)
    grace.page.get_by_role("button", name="Create an account").click()
    grace.fill_in("ADA5", PASSWORD)
    grace.page.get_by_role("button", name="Create account").click()
    expect(grace.alert).to_have_text("This username is taken.")
    expect(grace.page.get_by_label("Username")).to_be_focused()
    grace.fill_in("grace5", "short")
    grace.page.get_by_role("button", name="Create account").click()
    expect(grace.alert).to_contain_text("15")
    expect(grace.page.get_by_label("Password", exact=True)).to_be_focused()


def test_the_first_administrator_chooses_a_password(server: RunningServer, person: People) -> None:
    admin = person()
    admin.page.goto(server.url)
    admin.sign_in("admin", server.first_password)
    admin.page.get_by_label("Current password").fill(server.first_password)
    admin.page.get_by_role("textbox", name="New password").fill("my own long pass phrase")
    admin.page.get_by_role("button", name="Save and continue").click()
    admin.is_connected()
    admin.page.reload()
    admin.is_connected()


def test_where_registration_is_by_invite_the_page_says_so(person: People) -> None:
    with RunningServer(environment={"CLOUDCHAT_REGISTRATION": "invite"}) as server:
        ada = person()
        ada.page.goto(server.url)
        ada.page.get_by_role("button", name="Create an account").click()
        ada.fill_in("ada", PASSWORD)
        ada.page.get_by_role("button", name="Create account").click()
        expect(ada.alert).to_contain_text("needs a valid invite")
        expect(ada.page.get_by_label("Invite code")).to_be_focused()


def test_an_answer_that_got_lost_signs_nobody_out(server: RunningServer, person: People) -> None:
    ada = person()
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
    ada.is_connected()
    assert lost == [200, 200]
    ada.page.reload()
    ada.is_connected()


def test_tabs_that_refresh_at_once_all_stay_signed_in(server: RunningServer, person: People) -> None:
    ada = person()
    ada.page.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    ada.register(server.url, "ada8")
    tabs = [ada, *(ChatPage(ada.page.context.new_page()) for _ in range(2))]
    for tab in tabs[1:]:
        tab.page.goto(server.url)
    for _ in range(3):
        for tab in tabs:
            tab.page.evaluate("setTimeout(() => location.reload())")
        for tab in tabs:
            tab.is_connected()


def test_every_style_sheet_of_the_page_is_in_force(server: RunningServer, person: People) -> None:
    ada = person()
    ada.page.goto(server.url)
    rules = ada.page.evaluate("[...document.styleSheets].map(sheet => [sheet.href, sheet.cssRules.length])")
    assert len(rules) == len(list(frontend_directory().rglob("*.css")))
    assert all(count > 0 for _, count in rules), rules
