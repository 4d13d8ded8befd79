"""`cloudchat admin …`: as an operator types it, with the server running and without."""

import re
import subprocess
from functools import partial
from pathlib import Path

import httpx
import pytest

from support.accounts import PASSWORD, login
from support.commands import run_here
from support.processes import wait_until
from support.server import RunningServer

# Plain http: no need to load certificates, a tenth of a second each time.
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)


def admin(
    state: Path, *arguments: str, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return run_here(state, "admin", *arguments, stdin=stdin, environment=environment)


def create(state: Path, name: str = "bot", role: str = "member") -> None:
    made = admin(state, "create-user", name, "--role", role, "--password-stdin", stdin=PASSWORD + "\n")
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")


def ask(server: RunningServer, token: str) -> httpx.Response:
    return get(f"{server.url}/api/me", headers={"Authorization": f"Bearer {token}"})


def test_what_is_done_before_the_first_start_holds_after_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    create(state)
    issued = admin(state, "issue-token", "bot", "--scope", "chat:read,chat:write", "--ttl", "30d", "--label", "CI")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", issued.stdout)
    with RunningServer(state_dir=state) as server:
        assert ask(server, issued.stdout.strip()).json()["scopes"] == ["chat:read", "chat:write"]
        assert login(server.url, "bot").name == "bot"
        assert "one-time password" not in server.log  # somebody is here already


def test_what_is_done_beside_the_running_server_holds_at_once(server: RunningServer) -> None:
    create(server.state_dir, "chief", "admin")
    token = admin(server.state_dir, "issue-token", "chief", "--scope", "admin", "--ttl", "1h").stdout.strip()
    assert ask(server, token).json()["scopes"] == ["admin"]

    listed = admin(server.state_dir, "list-tokens").stdout.splitlines()
    assert token not in "".join(listed)
    token_id, user, scopes, _, state, _, used = listed[1].split("\t")
    assert (user, scopes, state) == ("chief", "admin", "valid")
    assert used == "never" or used.endswith("Z")  # written a moment after the use

    assert admin(server.state_dir, "revoke-token", token_id).returncode == 0
    assert ask(server, token).status_code == 401
    assert admin(server.state_dir, "list-tokens").stdout.splitlines()[1].split("\t")[4] == "revoked"

    person = login(server.url, "chief")
    assert admin(server.state_dir, "disable-user", "CHIEF").returncode == 0
    refused = ask(server, person.access_token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert admin(server.state_dir, "enable-user", "chief").returncode == 0
    assert login(server.url, "chief").name == "chief"


def test_an_api_token_opens_no_route_that_is_a_persons_own(server: RunningServer) -> None:
    create(server.state_dir)
    token = admin(server.state_dir, "issue-token", "bot", "--scope", "chat:read", "--ttl", "1h").stdout.strip()
    with httpx.Client(verify=False, base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as bot:
        assert bot.get("/api/rooms").status_code == 200
        assert bot.get("/api/auth/sessions").status_code == 401
        assert bot.delete("/api/auth/sessions/anything").status_code == 401
        change = {"current_password": PASSWORD, "new_password": "seven slow rivers bend"}
        assert bot.post("/api/auth/password", json=change).status_code == 401
        assert bot.post("/api/auth/refresh", json={"refresh_token": "A" * 43}).status_code == 401


def test_an_invite_lets_one_person_in(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with RunningServer(state_dir=state, environment={"CLOUDCHAT_REGISTRATION": "invite"}) as server:
        invite = admin(state, "create-invite").stdout.strip()
        body = {"username": "ann", "password": PASSWORD}
        register = f"{server.url}/api/auth/register"
        assert post(register, json=body).status_code == 403
        assert post(register, json={**body, "invite": invite}).status_code == 201
        assert post(register, json={**body, "username": "bob", "invite": invite}).status_code == 403


def test_keys_rotate_while_the_server_runs_and_nobody_notices(server: RunningServer) -> None:
    create(server.state_dir)
    issue = partial(admin, server.state_dir, "issue-token", "bot", "--scope", "chat:read", "--ttl", "1h")
    person, old = login(server.url, "bot"), issue().stdout.strip()
    rotated = admin(server.state_dir, "rotate-keys")
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert "1 still verify" in rotated.stdout
    for token in (issue().stdout.strip(), old, person.access_token):
        assert ask(server, token).status_code == 200
    assert login(server.url, "bot").http.get("/api/me").status_code == 200


def test_after_a_theft_of_a_key_its_tokens_end(server: RunningServer) -> None:
    create(server.state_dir)
    person = login(server.url, "bot")
    assert "1 removed" in admin(server.state_dir, "rotate-keys", "--forget-old").stdout
    wait_until(lambda: ask(server, person.access_token).status_code == 401, "the end of the token")
    refreshed = person.http.post("/api/auth/refresh", json={}, headers={"Origin": server.url})
    assert ask(server, refreshed.json()["access_token"]).status_code == 200  # sessions do not rest on these keys


def test_users_and_the_audit_log_are_listed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    create(state)
    password = admin(state, "reset-password", "bot").stdout
    assert re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){3}\n", password)
    assert admin(state, "set-role", "bot", "moderator").returncode == 0
    users = [line.split("\t") for line in admin(state, "list-users").stdout.splitlines()]
    assert users[1][:4] == ["bot", "moderator", "must change password", "off"]
    entries = [line.split("\t") for line in admin(state, "audit").stdout.splitlines()]
    assert [entry[1:5] for entry in entries[1:]] == [
        ["cli", "user.role", "bot", "done"],
        ["cli", "user.reset_password", "bot", "done"],
        ["cli", "user.create", "bot", "done"],
    ]
    older = admin(state, "audit", "--before", entries[1][-1], "--limit", "1").stdout.splitlines()
    assert older[1].split("\t") == entries[2]
    assert password.strip() not in admin(state, "audit").stdout


REFUSALS: dict[str, tuple[list[str], str, int, str]] = {
    "a common password": (["create-user", "ann", "--password-stdin"], "passwordpassword\n", 1, "easy to guess"),
    "no password": (["create-user", "ann", "--password-stdin"], "", 1, "standard input"),
    "a name that forges": (["create-user", "ann\nroot", "--password-stdin"], PASSWORD, 1, "a username"),
    "no such user": (["issue-token", "nobody", "--scope", "chat:read", "--ttl", "1d"], "", 1, "create-user"),
    "a token for ever": (["issue-token", "bot", "--scope", "chat:read", "--ttl", "999d"], "", 1, "days"),
    "a scope beyond the role": (["issue-token", "bot", "--scope", "admin", "--ttl", "1d"], "", 1, "may hold"),
    "no such token": (["revoke-token", "nothing"], "", 1, "list-tokens"),
    "a duration without a unit": (["create-invite", "--ttl", "7"], "", 2, "7d"),
    "a misspelt command": (["make-user"], "", 2, "create-user"),
    "the last administrator": (["set-role", "chief", "member"], "", 1, "last administrator"),
    "a role that is none": (["set-role", "bot", "root"], "", 2, "moderator"),
    "no such user to reset": (["reset-password", "nobody"], "", 1, "list-users"),
    "no second factor to reset": (["reset-totp", "bot"], "", 1, "no second factor"),
    "no such invite": (["delete-invite", "nothing"], "", 1, "list-invites"),
    "a password as an argument": (["create-user", "ann", "--password", "x"], "", 2, "--password-stdin"),
}


@pytest.fixture(scope="module")
def state_with_bot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("cli") / "state"
    create(state)
    create(state, "chief", "admin")
    return state


@pytest.mark.parametrize(("arguments", "stdin", "code", "mend"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_names_the_mend(state_with_bot: Path, arguments: list[str], stdin: str, code: int, mend: str) -> None:
    refused = admin(state_with_bot, *arguments, stdin=stdin)
    assert refused.returncode == code
    assert refused.stdout == ""
    assert mend in refused.stderr
    assert "Traceback" not in refused.stderr
    if code == 1:
        assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["postgresql://ann:hush@127.0.0.1:1/chat", "sqlite:////proc/nowhere/chat.db", "mysql://ann:hush@db/chat"]
)
def test_a_database_that_can_not_be_used_is_one_line_without_its_password(tmp_path: Path, url: str) -> None:
    refused = admin(tmp_path / "state", "list-tokens", environment={"CLOUDCHAT_DATABASE_URL": url})
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "hush" not in refused.stderr
