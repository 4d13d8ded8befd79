"""Forms of the page against answers that a test chooses: what is offered, what is sent, where an error is shown."""

from typing import Any

import pytest
from playwright.sync_api import Request, expect

from browser.chat_page import PASSWORD, ChatPage
from browser.scripted_server import ADA, ORIGIN, ScriptedServer
from browser.settings_page import SettingsPage

ADMIN = {**ADA, "role": "admin", "must_change_password": False, "totp_enabled": True, "must_set_up_totp": False}
WIDTHS = (320, 360, 480, 600, 768, 769, 800, 900, 1024, 1280, 1440, 1920)


def user(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"u-{name}",
        "name": name,
        "role": "member",
        "created_at": "2026-11-22T10:00:00Z",
        "disabled": False,
        "must_change_password": False,
        "totp_enabled": False,
        **more,
    }


def error(code: str, message: str, **more: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "retryable": False, **more}}


@pytest.fixture
def signed_out(ada: ChatPage, scripted: ScriptedServer) -> ChatPage:
    scripted.signed_in = False
    return ada


@pytest.fixture
def bodies(ada: ChatPage) -> list[dict[str, Any]]:
    """The JSON bodies that the page sends."""
    sent: list[dict[str, Any]] = []

    def record(request: Request) -> None:
        if isinstance(body := request.post_data_json, dict):
            sent.append(body)

    ada.page.on("request", record)
    return sent


def test_closed_registration_is_not_offered(signed_out: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/config"] = (200, {"registration": "closed"}, {})
    signed_out.page.goto(ORIGIN)
    expect(signed_out.page.get_by_text("Ask an administrator for an account")).to_be_visible()
    expect(signed_out.page.get_by_role("button", name="Create an account")).to_be_hidden()


@pytest.mark.parametrize("status", [200, 500])
def test_registration_is_offered_unless_it_is_closed(
    signed_out: ChatPage, scripted: ScriptedServer, status: int
) -> None:
    scripted.http_answers["/api/config"] = (status, {"registration": "invite"}, {})
    signed_out.page.goto(ORIGIN)
    signed_out.page.get_by_role("button", name="Create an account").click()
    expect(signed_out.page.get_by_label("Invite code")).to_be_visible()


@pytest.mark.parametrize("field", [None, "invite", "username"])
def test_a_refused_registration_marks_only_the_field_that_the_server_names(
    signed_out: ChatPage, scripted: ScriptedServer, field: str | None
) -> None:
    named = {} if field is None else {"field": field}
    scripted.http_answers["/api/auth/register"] = (403, error("forbidden", "this is refused", **named), {})
    signed_out.page.goto(ORIGIN)
    signed_out.page.get_by_role("button", name="Create an account").click()
    signed_out.fill_credentials("ada", PASSWORD)
    signed_out.page.get_by_role("button", name="Create account").click()
    expect(signed_out.alert).to_have_text("This is refused.")
    marked = signed_out.page.locator("[aria-invalid=true]").evaluate_all("nodes => nodes.map(node => node.name)")
    assert marked == ([] if field is None else [field])


def test_pasted_names_and_codes_are_cleaned_and_passwords_are_not(
    signed_out: ChatPage, scripted: ScriptedServer, bodies: list[dict[str, Any]]
) -> None:
    required = error("second_factor_required", "enter a code", field="totp")
    scripted.http_answers["/api/auth/login"] = (401, required, {})
    signed_out.page.goto(ORIGIN)
    signed_out.fill_credentials(" ada\u00a0\u200b", f" {PASSWORD} ")
    signed_out.page.get_by_role("button", name="Sign in").click()
    signed_out.page.get_by_label("Authentication code").fill("１２３\u00a0-\u00a0٤٥٦")
    signed_out.page.get_by_role("button", name="Sign in").click()
    expect(signed_out.page.get_by_label("Authentication code")).to_have_value("")
    assert bodies[-1] == {"username": "ada", "password": f" {PASSWORD} ", "totp": "123456"}

    signed_out.page.get_by_role("button", name="Create an account").click()
    signed_out.page.get_by_label("Invite code").fill("\n AbC\u200b-dEf \u00a0")
    signed_out.page.get_by_role("button", name="Create account").click()
    expect(signed_out.page.get_by_label("Authentication code")).to_be_visible()
    assert {"username": "ada", "password": f" {PASSWORD} ", "invite": "AbC-dEf"} in bodies


def test_an_empty_new_password_is_not_sent(ada: ChatPage, scripted: ScriptedServer) -> None:
    must_change = {"access_token": "t", "expires_in": 600, "user": {**ADA, "must_change_password": True}}
    scripted.http_answers["/api/auth/refresh"] = (200, must_change, {})
    ada.page.goto(ORIGIN)
    save = ada.page.get_by_role("button", name="Save and continue")
    save.click()
    expect(ada.alert).to_have_text("Enter the password that you were given.")
    expect(ada.page.get_by_label("Current password")).to_be_focused()
    ada.page.get_by_label("Current password").fill("one-time")
    save.click()
    expect(ada.alert).to_have_text("Enter a new password.")
    expect(ada.page.get_by_role("textbox", name="New password")).to_be_focused()
    assert "/api/auth/password" not in scripted.requests


@pytest.fixture
def users(ada: ChatPage, scripted: ScriptedServer) -> SettingsPage:
    """The list of users, with everything that a row can have."""
    scripted.http_answers["/api/auth/refresh"] = (200, {"access_token": "t", "expires_in": 600, "user": ADMIN}, {})
    items = [
        user("ada", id=ADA["id"], role="admin", totp_enabled=True),
        user("grace", totp_enabled=True),
        user("m" * 32, role="moderator", totp_enabled=True, must_change_password=True, disabled=True),
    ]
    scripted.http_answers["/api/admin/users"] = (200, {"users": items, "next": None}, {})
    ada.page.goto(ORIGIN)
    ada.wait_connected()
    settings = SettingsPage(ada.page)
    settings.open("Users")
    expect(settings.user("grace")).to_be_visible()
    return settings


def test_the_list_of_users_fits_into_the_dialog_at_every_width(users: SettingsPage) -> None:
    cut_off = """dialog => {
      const body = dialog.querySelector("#settings-body");
      const { left, right } = body.getBoundingClientRect();
      return [...dialog.querySelectorAll("li *")].filter((node) => {
        const box = node.getBoundingClientRect();
        return box.width > 1 && (box.right > right + 0.5 || box.left < left - 0.5);
      }).map((node) => node.textContent).concat(body.scrollWidth > body.clientWidth ? ["scrolls"] : []);
    }"""
    for width in WIDTHS:
        users.page.set_viewport_size({"width": width, "height": 800})
        assert users.dialog.evaluate(cut_off) == [], width


def test_the_menu_of_a_user_offers_what_applies(users: SettingsPage) -> None:
    items = users.page.get_by_role("menu").locator("button")
    users.user("mmm").get_by_role("button", name="Actions for").click()
    expect(items).to_have_text(
        ["Make Member", "Make Moderator", "Make Administrator", "Reset password", "Reset second factor", "Enable"]
    )
    expect(users.page.get_by_role("menuitemradio", name="Make Moderator")).to_be_checked()
    users.page.keyboard.press("End")
    expect(items.last).to_be_focused()
    users.page.keyboard.press("Escape")
    expect(users.user("mmm").get_by_role("button", name="Actions for")).to_be_focused()
    expect(users.dialog).to_be_visible()
    expect(users.user("you").get_by_role("button")).to_have_count(0)
