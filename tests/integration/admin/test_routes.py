"""The administration routes on the real server."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import httpx
import pyotp
import pytest

from support.accounts import PASSWORD, Account, login, register
from support.server import RunningServer

get = partial(httpx.get, verify=False, timeout=20)
MAKE_NEWEST_OLD = (
    "UPDATE sessions SET verified_at = verified_at - 300 "
    "WHERE id = (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1)"
)
NEW_PASSWORD = "seven slow rivers bend"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}
    with RunningServer(environment={**rates, "CLOUDCHAT_REGISTRATION": "open"}) as running:
        yield running


@pytest.fixture(scope="module")
def chief(server: RunningServer) -> Iterator[Account]:
    """The first administrator, with a permanent password."""
    account = login(server.url, "admin", server.first_password)
    change = {"current_password": server.first_password, "new_password": NEW_PASSWORD}
    assert account.http.post("/api/auth/password", json=change).status_code == 204
    yield account
    account.http.close()


def with_token(server: RunningServer, token: str, path: str = "/api/me") -> httpx.Response:
    return get(server.url + path, headers={"Authorization": f"Bearer {token}"})


def test_new_user_has_no_scopes_until_the_one_time_password_is_changed(server: RunningServer, chief: Account) -> None:
    made = chief.http.post("/api/admin/users", json={"username": "newcomer", "role": "moderator"})
    assert made.status_code == 201
    user, password = made.json()["user"], made.json()["one_time_password"]
    assert (user["name"], user["role"], user["must_change_password"]) == ("newcomer", "moderator", True)
    newcomer = login(server.url, "newcomer", password)
    assert newcomer.http.get("/api/rooms").status_code == 403
    change = {"current_password": password, "new_password": PASSWORD}
    assert newcomer.http.post("/api/auth/password", json=change).status_code == 204
    assert newcomer.http.get("/api/rooms").status_code == 200


def test_disabling_and_enabling_take_effect_immediately(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    path = f"/api/admin/users/{ann.user_id}"
    assert chief.http.patch(path, json={"disabled": True}).json()["disabled"] is True
    assert ann.http.get("/api/me").status_code == 403
    assert chief.http.patch(path, json={"disabled": False}).json()["disabled"] is False
    assert login(server.url, ann.name).http.get("/api/me").status_code == 200


def test_reset_replaces_the_password_and_ends_the_sessions(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    password = chief.http.post(f"/api/admin/users/{ann.user_id}/reset-password").json()["one_time_password"]
    assert ann.http.get("/api/me").status_code == 401
    with pytest.raises(httpx.HTTPStatusError):
        login(server.url, ann.name, PASSWORD)
    assert login(server.url, ann.name, password).http.get("/api/me").json()["must_change_password"] is True


def test_reset_second_factor_removes_it_and_ends_the_sessions(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    path = f"/api/admin/users/{ann.user_id}/reset-second-factor"
    assert chief.http.post(path).status_code == 409  # the user has none yet
    secret = ann.http.post("/api/auth/totp/setup", json={"password": PASSWORD}).json()["secret"]
    ann.http.post("/api/auth/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).raise_for_status()
    with pytest.raises(httpx.HTTPStatusError):
        login(server.url, ann.name)
    assert chief.http.post(path).status_code == 204
    assert ann.http.get("/api/me").status_code == 401
    assert login(server.url, ann.name).http.get("/api/me").json()["totp_enabled"] is False
    entry = chief.http.get("/api/admin/audit", params={"limit": 2}).json()["entries"][1]
    assert (entry["action"], entry["target_name"], entry["result"]) == ("user.reset_totp", ann.name, "done")


def test_reset_of_the_callers_own_credentials_returns_409(chief: Account) -> None:
    for what in ("password", "second-factor"):
        response = chief.http.post(f"/api/admin/users/{chief.user_id}/reset-{what}")
        assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")
    assert chief.http.get("/api/me").status_code == 200


def test_token_can_be_issued_listed_without_its_secret_and_revoked(server: RunningServer, chief: Account) -> None:
    bot = register(server.url)
    request = {"user": bot.name, "scopes": ["chat:read"], "ttl_seconds": 3600, "label": "weather"}
    issued = chief.http.post("/api/admin/tokens", json=request)
    assert issued.status_code == 201
    token, token_id = issued.json()["token"], issued.json()["id"]
    assert with_token(server, token).json()["scopes"] == ["chat:read"]
    listed = chief.http.get("/api/admin/tokens")
    assert token not in listed.text
    (found,) = [entry for entry in listed.json()["tokens"] if entry["id"] == token_id]
    assert (found["user"]["name"], found["scopes"], found["label"]) == (bot.name, ["chat:read"], "weather")
    assert found["revoked_at"] is None
    assert chief.http.delete(f"/api/admin/tokens/{token_id}").status_code == 204
    assert with_token(server, token).status_code == 401
    assert chief.http.delete("/api/admin/tokens/nothing").status_code == 404


def test_issuing_a_token_with_a_scope_that_the_caller_lacks_returns_403(server: RunningServer, chief: Account) -> None:
    request = {"user": "admin", "scopes": ["admin"], "ttl_seconds": 60}
    token = chief.http.post("/api/admin/tokens", json=request).json()["token"]
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, verify=False) as program:
        more = program.post("/api/admin/tokens", json={**request, "scopes": ["admin", "chat:read"]})
        assert (more.status_code, more.json()["error"]["code"]) == (403, "forbidden")
        outliving = program.post("/api/admin/tokens", json={**request, "ttl_seconds": 61})
        assert (outliving.status_code, outliving.json()["error"]["code"]) == (403, "forbidden")
        assert program.post("/api/admin/tokens", json={**request, "ttl_seconds": 30}).status_code == 201


def test_an_api_token_cannot_touch_administrators(server: RunningServer, chief: Account) -> None:
    boss = chief.http.post("/api/admin/users", json={"username": "boss", "role": "admin"}).json()["user"]
    request = {"user": "admin", "scopes": ["admin"], "ttl_seconds": 600}
    token = chief.http.post("/api/admin/tokens", json=request).json()["token"]
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, verify=False) as program:
        for response in (
            program.post("/api/admin/users", json={"username": "another", "role": "admin"}),
            program.patch(f"/api/admin/users/{boss['id']}", json={"disabled": True}),
            program.post(f"/api/admin/users/{boss['id']}/reset-password"),
            program.post(f"/api/admin/users/{boss['id']}/reset-second-factor"),
            program.post("/api/admin/tokens", json={**request, "user": "boss", "ttl_seconds": 60}),
        ):
            assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden")
        assert program.post("/api/auth/step-up", json={"password": NEW_PASSWORD}).status_code == 401
        assert program.post("/api/admin/users", json={"username": "another", "role": "member"}).status_code == 201


def test_a_change_of_roles_needs_the_password_again_after_some_minutes(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    signed_in = login(server.url, chief.name, NEW_PASSWORD).http
    with closing(signed_in), closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as database:
        with database:
            database.execute(MAKE_NEWEST_OLD)
        change = partial(signed_in.patch, f"/api/admin/users/{ann.user_id}", json={"role": "admin"})
        refused = change()
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "step_up_required")
        wrong = signed_in.post("/api/auth/step-up", json={"password": "wrong"})
        assert (wrong.status_code, wrong.json()["error"]["field"]) == (403, "password")
        missing = signed_in.post("/api/auth/step-up", json={})
        assert (missing.status_code, missing.json()["error"]["field"]) == (422, "password")
        assert change().status_code == 403
        step_up = signed_in.post("/api/auth/step-up", json={"password": NEW_PASSWORD})
        assert (step_up.status_code, step_up.json()) == (200, {"expires_in": 300})
        assert change().status_code == 200


TOKEN_REQUESTS = {
    "beyond the role": ({"scopes": ["admin"]}, 409, "scopes"),
    "an unknown scope": ({"scopes": ["everything"]}, 422, "scopes.0"),
    "no scope": ({"scopes": []}, 422, "scopes"),
    "a lifetime that is too long": ({"ttl_seconds": 10**9}, 422, "ttl_seconds"),
    "no lifetime": ({"ttl_seconds": 0}, 422, "ttl_seconds"),
    "an unprintable label": ({"label": "a\nb"}, 422, "label"),
    "an unknown user": ({"user": "nobody-at-all"}, 404, None),
    "an unknown field": ({"role": "admin"}, 422, "role"),
}


@pytest.mark.parametrize(("change", "status", "field"), TOKEN_REQUESTS.values(), ids=TOKEN_REQUESTS.keys())
def test_invalid_token_request_is_refused_and_names_the_field(
    server: RunningServer, chief: Account, change: dict[str, object], status: int, field: str | None
) -> None:
    bot = register(server.url)
    request = {"user": bot.name, "scopes": ["chat:read"], "ttl_seconds": 60, **change}
    response = chief.http.post("/api/admin/tokens", json=request)
    assert (response.status_code, response.json()["error"].get("field")) == (status, field)
    assert "cloudchat admin" not in response.text, "a shell command is no help in a browser"


@pytest.mark.parametrize(("seconds", "status"), [(60.0, 201), (60.5, 422), ("60", 422), (True, 422), (1e300, 422)])
def test_integer_may_be_written_as_a_float_without_a_fraction(chief: Account, seconds: object, status: int) -> None:
    assert chief.http.post("/api/admin/invites", json={"ttl_seconds": seconds}).status_code == status


def test_invite_can_be_created_listed_without_its_secret_and_deleted(chief: Account) -> None:
    made = chief.http.post("/api/admin/invites", json={"ttl_seconds": 60, "label": "Ann"})
    assert made.status_code == 201
    listed = chief.http.get("/api/admin/invites")
    assert made.json()["invite"] not in listed.text
    invites = {invite["id"]: (invite["created_by"], invite["label"]) for invite in listed.json()["invites"]}
    assert invites[made.json()["id"]] == (chief.name, "Ann")
    path = f"/api/admin/invites/{made.json()['id']}"
    assert [chief.http.delete(path).status_code for _ in range(2)] == [204, 404]


def test_pages_of_users_and_of_the_audit_log_have_each_entry_once(server: RunningServer, chief: Account) -> None:
    register(server.url)
    for path, what, cursor in (("/api/admin/users", "users", "after"), ("/api/admin/audit", "entries", "before")):
        seen: list[str] = []
        response = chief.http.get(path, params={"limit": 2}).json()
        while True:
            seen += [entry["id"] for entry in response[what]]
            if response["next"] is None:
                break
            response = chief.http.get(path, params={"limit": 2, cursor: response["next"]}).json()
        assert len(seen) == len(set(seen)) > 2


def test_denied_change_is_in_the_audit_log_with_actor_and_address(chief: Account) -> None:
    refused = chief.http.patch(f"/api/admin/users/{chief.user_id}", json={"role": "member"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    newest = chief.http.get("/api/admin/audit", params={"limit": 1}).json()["entries"][0]
    assert (newest["actor_name"], newest["target_name"]) == ("admin", "admin")
    assert (newest["action"], newest["result"], newest["address"]) == ("user.change", "refused", "127.0.0.1")
    assert newest["at"].endswith("Z")


def test_audit_log_is_filtered_by_user_action_and_result(server: RunningServer, chief: Account) -> None:
    made = chief.http.post("/api/admin/users", json={"username": "audited", "role": "member"}).json()["user"]
    chief.http.patch(f"/api/admin/users/{made['id']}", json={"disabled": True})
    chief.http.patch(f"/api/admin/users/{chief.user_id}", json={"role": "member"})

    def actions(**query: str) -> list[str]:
        return [entry["action"] for entry in chief.http.get("/api/admin/audit", params=query).json()["entries"]]

    assert actions(user="Audited") == ["user.disable", "user.create"]
    assert actions(user="audited", action="user.create") == ["user.create"]
    assert actions(user="audited", action="invite") == actions(user="missing") == actions(user="a\0") == []
    assert actions(user="server", action="user") == ["user.create"]
    refused = chief.http.get("/api/admin/audit", params={"result": "refused", "action": "user"}).json()["entries"]
    assert {entry["result"] for entry in refused} == {"refused"}
    assert "user.change" in {entry["action"] for entry in refused}
    assert "user.disable" in actions(action="user")
    assert chief.http.get("/api/admin/audit", params={"action": "user%"}).status_code == 422


def test_administrator_finds_public_and_private_rooms_but_no_direct_ones(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    made = [
        ann.http.post("/api/rooms", json={"kind": kind, "name": f"Garden {kind}"}).json()
        for kind in ("public", "private")
    ]
    assert ann.http.post("/api/rooms", json={"kind": "direct", "users": [chief.user_id]}).status_code == 201
    assert ann.http.patch(f"/api/rooms/{made[0]['id']}", json={"archived": True}).status_code == 200
    found = chief.http.get("/api/admin/rooms", params={"q": "garden"}).json()
    assert [(room["id"], room["kind"], room["archived"]) for room in found["rooms"]] == [
        (made[0]["id"], "public", True),
        (made[1]["id"], "private", False),
    ]
    assert "topic" not in found["rooms"][1]
    first = chief.http.get("/api/admin/rooms", params={"q": "garden", "limit": 1}).json()
    second = chief.http.get("/api/admin/rooms", params={"q": "garden", "limit": 1, "cursor": first["next"]}).json()
    assert [room["id"] for page in (first, second) for room in page["rooms"]] == [room["id"] for room in made]
    assert second["next"] is None
    assert {room["kind"] for room in chief.http.get("/api/admin/rooms").json()["rooms"]} == {"public", "private"}
    assert chief.http.get("/api/admin/rooms", params={"cursor": "missing"}).status_code == 404
    assert chief.http.get("/api/admin/rooms", params={"q": "\0"}).json()["rooms"] == []
    assert ann.http.get("/api/admin/rooms").status_code == 403


def test_administrator_ends_a_session_of_a_user(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    path = f"/api/admin/users/{ann.user_id}/sessions"
    (session,) = chief.http.get(path).json()["sessions"]
    assert session["current"] is False
    assert chief.http.delete(f"/api/admin/users/{chief.user_id}/sessions/{session['id']}").status_code == 409
    assert [chief.http.delete(f"{path}/{session['id']}").status_code for _ in range(2)] == [204, 404]
    assert chief.http.get(path).json()["sessions"] == []
    assert chief.http.get("/api/admin/users/missing/sessions").status_code == 404
    entries = chief.http.get("/api/admin/audit", params={"action": "session.end"}).json()["entries"]
    assert {(entry["actor_name"], entry["result"]) for entry in entries} == {("admin", "done"), ("admin", "refused")}


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "before=%00", "before=" + "a" * 23])
def test_invalid_page_parameters_return_422(chief: Account, query: str) -> None:
    assert chief.http.get(f"/api/admin/audit?{query}").status_code == 422


@pytest.mark.parametrize("origin", ["https://attacker.example", "null"])
def test_request_from_another_origin_returns_403(chief: Account, origin: str) -> None:
    response = chief.http.post(
        "/api/admin/users", json={"username": "eve", "role": "admin"}, headers={"Origin": origin}
    )
    assert response.status_code == 403


def test_body_that_is_not_json_returns_415(chief: Account) -> None:
    headers = {"Content-Type": "text/plain"}
    response = chief.http.post("/api/admin/users", content=b'{"username":"eve","role":"admin"}', headers=headers)
    assert response.status_code == 415
