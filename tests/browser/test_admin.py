"""The administration sections of the settings: users, invites, API tokens, the audit log."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import expect

from browser.chat_page import PASSWORD, ChatPage
from browser.settings_page import SettingsPage, next_code
from support.accounts import register
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]
OWN = "my own long pass phrase"
NEWCOMER = "grace has a pass phrase"


@pytest.fixture
def invite_only() -> Iterator[RunningServer]:
    """A server that requires an invite for registration."""
    with RunningServer(environment={"CLOUDCHAT_REGISTRATION": "invite"}) as running:
        yield running


def first_sign_in(page: ChatPage, url: str, name: str, one_time: str, own: str) -> None:
    """Sign in with a one-time password, choose a new password, and wait for the chat."""
    page.page.goto(url)
    page.sign_in(name, one_time)
    page.page.get_by_role("textbox", name="New password").fill(own)
    page.page.get_by_role("button", name="Save and continue").click()
    page.wait_connected()


def administrator(page: ChatPage, server: RunningServer) -> SettingsPage:
    """Sign in as the first administrator, and leave the first steps, which are offered to the only user."""
    with page.page.expect_response(lambda response: "/api/admin/users?limit=2" in response.url) as answer:
        first_sign_in(page, server.url, "admin", server.first_password, OWN)
    if len(answer.value.json().get("users", [])) == 1:
        page.page.get_by_role("button", name="Later").click()
    return SettingsPage(page.page)


def test_administrator_creates_disables_and_enables_a_user(server: RunningServer, open_page: OpenPage) -> None:
    admin, grace = open_page(), open_page()
    settings = administrator(admin, server)
    settings.open("Second factor")
    app, _ = settings.set_up_second_factor(OWN)
    settings.close()
    admin.page.get_by_role("button", name="Sign out").click()
    admin.sign_in("admin", OWN)
    admin.page.get_by_label("Authentication code").fill(next_code(app))
    admin.page.keyboard.press("Enter")
    admin.wait_connected()

    settings.open("Users")
    expect(settings.user("you")).to_contain_text("second factor")
    settings.dialog.get_by_text("Create a user").click()
    settings.fill(Username="?")
    settings.press("Create user")
    expect(settings.dialog.get_by_label("Username", exact=True)).to_be_focused()
    expect(settings.alert).to_be_visible()
    settings.fill(Username="grace")
    settings.press("Create user")
    one_time = settings.secrets.inner_text()
    expect(settings.user("grace")).to_contain_text("must change password")
    settings.press("Done")
    expect(settings.secrets).to_have_count(0)
    first_sign_in(grace, server.url, "grace", one_time, NEWCOMER)

    settings.act("grace", "Disable")
    expect(settings.user("grace")).to_contain_text("disabled")
    expect(grace.page.get_by_text("disabled").or_(grace.page.get_by_text("signed out")).first).to_be_visible()
    settings.act("grace", "Enable", confirm=False)
    expect(settings.user("grace")).not_to_contain_text("disabled")
    expect(settings.user("grace").get_by_role("button", name="Actions for grace")).to_be_focused()


def test_new_role_opens_the_administration_and_password_reset_asks_for_a_new_one(
    server: RunningServer, open_page: OpenPage
) -> None:
    admin, grace = open_page(), open_page()
    grace.register(server.url, "grace")
    settings = administrator(admin, server)
    settings.open("Users")
    expect(settings.user("you").get_by_role("button")).to_have_count(0)  # administrators cannot lock themselves out
    settings.act("grace", "Make Administrator", confirm=False)
    expect(settings.user("grace")).to_contain_text("Administrator")
    grace.page.reload()
    grace.wait_connected()
    SettingsPage(grace.page).open("Audit log")
    expect(SettingsPage(grace.page).row("grace").first).to_be_visible()

    settings.act("grace", "Reset password")
    one_time = settings.secrets.inner_text()
    expect(grace.page.get_by_role("button", name="Sign in")).to_be_visible()
    first_sign_in(grace, server.url, "grace", one_time, NEWCOMER)


def test_administrator_resets_a_lost_second_factor(server: RunningServer, open_page: OpenPage) -> None:
    admin, grace = open_page(), open_page()
    grace.register(server.url, "grace")
    own = SettingsPage(grace.page)
    own.open("Second factor")
    own.set_up_second_factor()
    settings = administrator(admin, server)
    settings.open("Users")
    settings.act("grace", "Reset second factor")
    expect(settings.user("grace")).not_to_contain_text("second factor")
    expect(grace.page.get_by_role("button", name="Sign in")).to_be_visible()
    grace.sign_in("grace")
    grace.wait_connected()


def test_first_steps_lead_to_the_first_invite_link(invite_only: RunningServer, open_page: OpenPage) -> None:
    admin, bob = open_page(), open_page()
    first_sign_in(admin, invite_only.url, "admin", invite_only.first_password, OWN)
    steps = admin.page.get_by_role("dialog", name="Your server is ready")
    steps.get_by_role("button", name="Create an invite link").click()
    invite = steps.get_by_test_id("secret").inner_text()
    expect(steps.get_by_text("This link works on this computer only")).to_be_visible()
    for leave in (lambda: admin.page.keyboard.press("Escape"), admin.page.go_back):
        leave()
        expect(steps.get_by_text("Have you saved it?")).to_be_visible()
        steps.get_by_role("button", name="Keep it open").click()
    steps.get_by_role("button", name="Open the chat").click()
    expect(steps).to_have_count(0)

    bob.page.goto(invite)
    bob.fill_credentials("bob", PASSWORD)
    bob.page.get_by_role("button", name="Create account").click()
    bob.wait_connected()


def test_one_person_registers_with_an_invite(invite_only: RunningServer, open_page: OpenPage) -> None:
    admin, grace = open_page(), open_page()
    settings = administrator(admin, invite_only)
    settings.open("Invites")
    settings.dialog.get_by_text("Create an invite").click()
    for _ in range(2):
        settings.press("Create invite")
        invite = settings.secrets.inner_text()
        settings.press("Done")
    expect(settings.row("open")).to_have_count(2)
    settings.confirm(settings.row("open").last, "Delete invite")
    expect(settings.row("open")).to_have_count(1)

    grace.page.goto(invite)
    expect(grace.page.get_by_label("Invite code")).not_to_have_value("")
    grace.fill_credentials("grace", PASSWORD)
    grace.page.get_by_role("button", name="Create account").click()
    grace.wait_connected()
    settings.open("Invites")
    expect(settings.row("used")).to_contain_text("grace")
    expect(settings.row("open")).to_have_count(0)


def test_api_token_is_shown_once_and_can_be_revoked(server: RunningServer, open_page: OpenPage) -> None:
    admin = open_page()
    settings = administrator(admin, server)
    register(server.url, "grace")
    settings.open("API tokens")
    settings.dialog.get_by_text("Issue a token").click()
    settings.fill(User="nobody-here", Label="deploy bot")
    settings.press("Issue token")
    expect(settings.dialog.get_by_label("User", exact=True)).to_be_focused()
    settings.fill(User="grace")
    settings.dialog.get_by_label("Write messages").uncheck()
    settings.press("Issue token")
    token = settings.secrets.inner_text()
    me = httpx.get(f"{server.url}/api/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["name"] == "grace"
    assert me.json()["scopes"] == ["chat:read"]
    settings.press("Done")
    expect(settings.secrets).to_have_count(0)
    settings.confirm(settings.row("deploy bot"), "Revoke token")
    expect(settings.row("deploy bot")).to_contain_text("revoked")
    again = httpx.get(f"{server.url}/api/me", headers={"Authorization": f"Bearer {token}"})
    assert again.status_code == 401


def test_audit_log_is_shown_page_by_page(server: RunningServer, open_page: OpenPage) -> None:
    admin = open_page()
    settings = administrator(admin, server)
    headers = {"Authorization": f"Bearer {administrator_token(server)}"}
    with httpx.Client(base_url=server.url, headers=headers, verify=False) as client:
        for _ in range(60):
            made = client.post("/api/admin/invites", json={"ttl_seconds": 3600})
            assert made.status_code == 201, made.text
    settings.open("Audit log")
    expect(settings.row("invite.create")).to_have_count(50)
    assert "admin" in settings.row("invite.create").first.inner_text()
    settings.press("Show older entries")
    expect(settings.row("invite.create")).to_have_count(60)
    expect(settings.row("session.open").last).to_contain_text("Chrome on Linux")
    expect(settings.dialog.get_by_role("row").nth(51)).to_be_focused()


def test_audit_log_is_filtered(server: RunningServer, open_page: OpenPage) -> None:
    settings = administrator(open_page(), server)
    register(server.url, "grace").http.close()
    settings.open("Audit log")
    expect(settings.row("user.register")).to_have_count(1)
    settings.dialog.get_by_text("Filters", exact=True).click()
    settings.fill(Actor_or_target="admin")
    settings.dialog.get_by_label("Action").select_option("Passwords")
    settings.press("Apply filters")
    expect(settings.row("password.change")).to_have_count(1)
    expect(settings.row("user.register")).to_have_count(0)
    settings.dialog.get_by_label("Result").select_option("refused")
    settings.press("Apply filters")
    expect(settings.dialog.get_by_text("There are no entries.")).to_be_visible()


def test_rooms_are_administered_and_a_private_one_only_after_a_visible_act(
    server: RunningServer, open_page: OpenPage
) -> None:
    admin = open_page()
    settings = administrator(admin, server)
    with closing(register(server.url, "grace").http) as grace:
        public = grace.post("/api/rooms", json={"kind": "public", "name": "Garden", "topic": "Tea"}).json()["id"]
        private = grace.post("/api/rooms", json={"kind": "private", "name": "Back office"}).json()["id"]
        settings.open("Rooms")
        settings.dialog.get_by_label("Search rooms").fill("garden")
        expect(settings.dialog.get_by_role("listitem")).to_have_count(1)

        # A public room, without being a member.
        settings.press("Manage Garden")
        dialog = admin.page.get_by_role("dialog", name="Manage Garden")
        dialog.get_by_label("Name", exact=True).fill("Orchard")
        dialog.get_by_label("Delete messages after").select_option("30 days")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_text("Saved.")).to_be_visible()
        room = grace.get(f"/api/rooms/{public}").json()
        assert (room["name"], room["topic"], room["retention_days"]) == ("Orchard", "Tea", 30)
        expect(dialog.get_by_text("Download the messages")).to_have_count(0)  # for members of the room only

        dialog.get_by_role("button", name="Archive room").click()
        admin.page.get_by_role("dialog", name="Archive room").get_by_role("button", name="Archive room").click()
        expect(dialog.get_by_role("button", name="Restore room")).to_be_visible()
        dialog.get_by_role("button", name="Close").click()
        settings.dialog.get_by_label("Search rooms").fill("")
        expect(settings.dialog.get_by_role("listitem").filter(has_text="Orchard")).to_contain_text("archived")

        # A private room.
        settings.press("Manage Back office")
        dialog = admin.page.get_by_role("dialog", name="Manage Back office")
        dialog.get_by_role("button", name="Become an owner").click()
        question = admin.page.get_by_role("dialog", name="Become an owner")
        question.get_by_role("button", name="Become an owner").click()
        expect(dialog.get_by_text("You are now an owner")).to_be_visible()
        expect(dialog.get_by_role("listitem").filter(has_text="admin")).to_contain_text("Owner")
        dialog.get_by_text("Download the messages").click()
        with admin.page.expect_download() as download:
            dialog.get_by_role("button", name="As JSON Lines").click()
        assert download.value.suggested_filename == "cloudchat-Back-office.jsonl"
        assert private in download.value.path().read_text()


def test_a_member_is_muted_for_a_time_and_the_mute_is_lifted(server: RunningServer, open_page: OpenPage) -> None:
    admin = open_page()
    settings = administrator(admin, server)
    with closing(register(server.url, "eve").http) as eve:
        settings.open("Rooms")
        settings.press("Manage lobby")
        dialog = admin.page.get_by_role("dialog", name="Manage lobby")
        dialog.get_by_role("button", name="Actions for eve").click()
        admin.page.get_by_role("menuitem", name="Mute", exact=True).click()
        mute = admin.page.get_by_role("dialog", name="Mute")
        mute.get_by_label("How long").select_option("7 days")
        mute.get_by_label("Reason").fill("advertising")
        mute.get_by_role("button", name="Mute").click()
        expect(dialog.get_by_text("Done: Mute.")).to_be_visible()
        path, headers = "/api/rooms/lobby/messages", {"Idempotency-Key": str(uuid.uuid4())}
        refused = eve.post(path, json={"text": "buy"}, headers=headers)
        assert refused.json()["error"]["code"] == "muted"
        expect(dialog.get_by_role("listitem").filter(has_text="eve")).to_contain_text("Muted")
        dialog.locator("summary", has_text="Muted").click()
        muted = dialog.get_by_role("list", name="Muted").get_by_role("listitem")
        expect(muted).to_contain_text("Until")
        expect(muted).to_contain_text("advertising")
        muted.get_by_role("button", name="Unmute").click()
        expect(dialog.get_by_text("No one is muted.")).to_be_visible()
        expect(dialog.get_by_role("listitem").filter(has_text="eve")).not_to_contain_text("Muted")
        assert eve.post(path, json={"text": "sorry"}, headers=headers).status_code == 201


def test_a_session_of_a_user_is_ended_with_the_keyboard_alone(server: RunningServer, open_page: OpenPage) -> None:
    admin, grace = open_page(), open_page()
    grace.register(server.url, "grace")
    settings = administrator(admin, server)
    keyboard = admin.page.keyboard
    admin.composer.focus()
    keyboard.press("Control+,")
    expect(settings.dialog.get_by_role("heading", name="Password")).to_be_focused()
    settings.dialog.get_by_role("button", name="Users", exact=True).press("Enter")
    expect(settings.dialog.get_by_role("heading", name="Users", exact=True)).to_be_focused()
    settings.user("grace").get_by_role("button", name="Actions for grace").press("Enter")
    sessions = admin.page.get_by_role("menuitem", name="Sessions")
    for _ in range(12):
        if sessions.evaluate("node => node === document.activeElement"):
            break
        keyboard.press("ArrowDown")
    keyboard.press("Enter")
    dialog = admin.page.get_by_role("dialog", name="Sessions of grace")
    dialog.get_by_role("button", name="End session").press("Enter")
    expect(admin.page.get_by_role("button", name="Cancel")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(dialog.get_by_text("is not signed in anywhere.")).to_be_focused()
    expect(grace.page.get_by_text("You were signed out.")).to_be_visible()
    keyboard.press("Escape")
    expect(settings.user("grace").get_by_role("button", name="Actions for grace")).to_be_focused()


def administrator_token(server: RunningServer) -> str:
    answer = httpx.post(f"{server.url}/api/auth/login", json={"username": "admin", "password": OWN})
    token: str = answer.json()["access_token"]
    return token


def test_required_second_factor_comes_before_the_administration(open_page: OpenPage) -> None:
    with RunningServer(environment={"CLOUDCHAT_REQUIRE_ADMIN_2FA": "true"}) as server:
        admin = open_page()
        settings = administrator(admin, server)
        expect(settings.dialog.get_by_text("requires a second factor for administrators")).to_be_visible()
        expect(settings.dialog.get_by_role("group", name="Administration")).to_have_count(0)
        settings.set_up_second_factor(OWN)
        settings.open("Users")
        expect(settings.user("you")).to_contain_text("second factor")


def test_a_change_asks_for_the_password_when_it_was_not_entered_for_some_minutes(
    server: RunningServer, open_page: OpenPage
) -> None:
    admin = open_page()
    register(server.url, "grace").http.close()
    settings = administrator(admin, server)
    settings.open("Users")
    with closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as database, database:
        database.execute("UPDATE sessions SET verified_at = verified_at - 300")

    settings.act("grace", "Disable")
    prompt = admin.page.get_by_role("dialog", name="Is it you?")
    prompt.get_by_role("button", name="Close").click()
    expect(prompt).to_have_count(0)
    expect(settings.alert.first).to_contain_text("enter your password", ignore_case=True)
    expect(settings.user("grace")).not_to_contain_text("disabled")

    settings.act("grace", "Disable")
    prompt.get_by_role("textbox", name="Your password").fill("not the right password")
    prompt.get_by_role("button", name="Confirm").click()
    expect(prompt.get_by_role("alert")).to_be_visible()
    prompt.get_by_role("textbox", name="Your password").fill(OWN)
    prompt.get_by_role("button", name="Confirm").click()
    expect(prompt).to_have_count(0)
    expect(settings.user("grace")).to_contain_text("disabled")
    settings.act("grace", "Enable", confirm=False)
    expect(settings.user("grace")).not_to_contain_text("disabled")
