"""`cloudchat admin`, with and without a running server."""

import re
import subprocess
from functools import partial
from pathlib import Path

import httpx
import pytest

from support.accounts import PASSWORD, login
from support.commands import done, errors_of, init, run_here
from support.processes import wait_until
from support.server import RunningServer

# Plain http: verify=False saves loading the certificates, a tenth of a second per client.
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)


def admin(
    state: Path, *arguments: str, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return run_here(state, "admin", *arguments, stdin=stdin, environment=environment)


def create(state: Path, name: str = "bot", role: str = "member") -> None:
    made = admin(state, "create-user", name, "--role", role, "--password-stdin", stdin=PASSWORD + "\n")
    assert done(made) == ""


def get_me(server: RunningServer, token: str) -> httpx.Response:
    return get(f"{server.url}/api/me", headers={"Authorization": f"Bearer {token}"})


def test_changes_before_the_first_start_take_effect(tmp_path: Path) -> None:
    state = tmp_path / "state"
    init(state)
    create(state)
    issued = admin(state, "issue-token", "bot", "--scope", "chat:read,chat:write", "--ttl", "30d", "--label", "CI")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", issued.stdout)
    with RunningServer(state_dir=state) as server:
        assert get_me(server, issued.stdout.strip()).json()["scopes"] == ["chat:read", "chat:write"]
        assert login(server.url, "bot").name == "bot"
        assert "one-time password" not in server.log  # there is a user already


def test_changes_take_effect_immediately_on_a_running_server(server: RunningServer) -> None:
    create(server.state_dir, "chief", "admin")
    token = admin(server.state_dir, "issue-token", "chief", "--scope", "admin", "--ttl", "1h").stdout.strip()
    assert get_me(server, token).json()["scopes"] == ["admin"]

    listed = admin(server.state_dir, "list-tokens").stdout.splitlines()
    assert token not in "".join(listed)
    token_id, user, scopes, _, state, _, used = listed[1].split("\t")
    assert (user, scopes, state) == ("chief", "admin", "valid")
    assert used == "never" or used.endswith("Z")  # stored a moment after the use

    assert admin(server.state_dir, "revoke-token", token_id).returncode == 0
    assert get_me(server, token).status_code == 401
    assert admin(server.state_dir, "list-tokens").stdout.splitlines()[1].split("\t")[4] == "revoked"

    person = login(server.url, "chief")
    assert admin(server.state_dir, "disable-user", "CHIEF").returncode == 0
    refused = get_me(server, person.access_token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert admin(server.state_dir, "enable-user", "chief").returncode == 0
    assert login(server.url, "chief").name == "chief"


def test_api_token_is_rejected_by_routes_for_sessions(server: RunningServer) -> None:
    create(server.state_dir)
    token = admin(server.state_dir, "issue-token", "bot", "--scope", "chat:read", "--ttl", "1h").stdout.strip()
    with httpx.Client(verify=False, base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as bot:
        assert bot.get("/api/rooms").status_code == 200
        assert bot.get("/api/auth/sessions").status_code == 401
        assert bot.delete("/api/auth/sessions/anything").status_code == 401
        change = {"current_password": PASSWORD, "new_password": "seven slow rivers bend"}
        assert bot.post("/api/auth/password", json=change).status_code == 401
        assert bot.post("/api/auth/refresh", json={"refresh_token": "A" * 43}).status_code == 401


def test_invite_allows_one_registration(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with RunningServer(state_dir=state, environment={"CLOUDCHAT_REGISTRATION": "invite"}) as server:
        invite = admin(state, "create-invite", "--label", "Ann").stdout.strip()
        assert admin(state, "list-invites").stdout.endswith("\tvalid\t\tAnn\n")
        body = {"username": "ann", "password": PASSWORD}
        register = f"{server.url}/api/auth/register"
        assert post(register, json=body).status_code == 403
        assert post(register, json={**body, "invite": invite}).status_code == 201
        assert post(register, json={**body, "username": "bob", "invite": invite}).status_code == 403


def test_key_rotation_does_not_invalidate_tokens(server: RunningServer) -> None:
    create(server.state_dir)
    issue = partial(admin, server.state_dir, "issue-token", "bot", "--scope", "chat:read", "--ttl", "1h")
    person, old = login(server.url, "bot"), issue().stdout.strip()
    rotated = admin(server.state_dir, "rotate-keys")
    assert "1 still verify" in done(rotated)
    for token in (issue().stdout.strip(), old, person.access_token):
        assert get_me(server, token).status_code == 200
    assert login(server.url, "bot").http.get("/api/me").status_code == 200


def test_forget_old_invalidates_access_tokens_but_not_sessions(server: RunningServer) -> None:
    create(server.state_dir)
    person = login(server.url, "bot")
    assert "1 removed" in admin(server.state_dir, "rotate-keys", "--forget-old").stdout
    wait_until(lambda: get_me(server, person.access_token).status_code == 401, "the token is invalid")
    refreshed = person.http.post("/api/auth/refresh", json={}, headers={"Origin": server.url})
    assert get_me(server, refreshed.json()["access_token"]).status_code == 200  # refresh tokens are not signed


def test_list_users_and_audit_print_tables(tmp_path: Path) -> None:
    state = tmp_path / "state"
    init(state)
    create(state)
    password = admin(state, "reset-password", "bot").stdout
    assert re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}\n", password)
    assert admin(state, "set-role", "bot", "moderator").returncode == 0
    users = [line.split("\t") for line in admin(state, "list-users").stdout.splitlines()]
    assert [user[:4] for user in users[1:]] == [
        ["admin", "admin", "must change password", "off"],
        ["bot", "moderator", "must change password", "off"],
    ]
    entries = [line.split("\t") for line in admin(state, "audit").stdout.splitlines()]
    assert [entry[1:5] for entry in entries[1:]] == [
        ["cli", "user.role", "bot", "done"],
        ["cli", "user.reset_password", "bot", "done"],
        ["cli", "user.create", "bot", "done"],
        ["server", "user.create", "admin", "done"],
    ]
    older = admin(state, "audit", "--before", entries[1][-1], "--limit", "1").stdout.splitlines()
    assert older[1].split("\t") == entries[2]
    assert password.strip() not in admin(state, "audit").stdout


ERRORS: dict[str, tuple[list[str], str, int, str]] = {
    "a common password": (["create-user", "ann", "--password-stdin"], "passwordpassword\n", 1, "easy to guess"),
    "no password": (["create-user", "ann", "--password-stdin"], "", 1, "standard input"),
    "a name that forges": (["create-user", "ann\nroot", "--password-stdin"], PASSWORD, 1, "a username"),
    "no such user": (["issue-token", "nobody", "--scope", "chat:read", "--ttl", "1d"], "", 1, "create-user"),
    "a lifetime that is too long": (
        ["issue-token", "bot", "--scope", "chat:read", "--ttl", "999d"],
        "",
        1,
        "days",
    ),
    "a scope beyond the role": (["issue-token", "bot", "--scope", "admin", "--ttl", "1d"], "", 1, "may have"),
    "no such token": (["revoke-token", "nothing"], "", 1, "list-tokens"),
    "a duration without a unit": (["create-invite", "--ttl", "7"], "", 2, "7d"),
    "a misspelt command": (["make-user"], "", 2, "create-user"),
    "the last administrator": (["set-role", "chief", "member"], "", 1, "last administrator"),
    "an unknown role": (["set-role", "bot", "root"], "", 2, "member, moderator or admin"),
    "no such user to reset": (["reset-password", "nobody"], "", 1, "list-users"),
    "no second factor to reset": (["reset-totp", "bot"], "", 1, "no second factor"),
    "no such invite": (["delete-invite", "nothing"], "", 1, "list-invites"),
    "a password as an argument": (["create-user", "ann", "--password", "x"], "", 2, "--password-stdin"),
}


@pytest.fixture(scope="module")
def state_with_bot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("cli") / "state"
    init(state)
    create(state)
    create(state, "chief", "admin")
    done(admin(state, "set-role", "admin", "member"))
    return state


@pytest.mark.parametrize(("arguments", "stdin", "code", "advice"), ERRORS.values(), ids=ERRORS.keys())
def test_error_says_what_to_do(state_with_bot: Path, arguments: list[str], stdin: str, code: int, advice: str) -> None:
    failed = admin(state_with_bot, *arguments, stdin=stdin)
    assert failed.returncode == code
    assert failed.stdout == ""
    assert advice in failed.stderr
    assert "Traceback" not in failed.stderr
    if code == 1:
        assert len(errors_of(failed).splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["postgresql://ann:hush@127.0.0.1:1/chat", "sqlite:////proc/nowhere/chat.db", "mysql://ann:hush@db/chat"]
)
def test_database_error_is_one_line_without_the_password(tmp_path: Path, url: str) -> None:
    init(tmp_path / "state")
    failed = admin(tmp_path / "state", "list-tokens", environment={"CLOUDCHAT_DATABASE_URL": url})
    assert failed.returncode == 1
    assert len(errors_of(failed).splitlines()) == 1
    assert "hush" not in failed.stderr
