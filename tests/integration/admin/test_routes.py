"""An administrator's work over HTTP, on the real server."""

from collections.abc import Iterator
from functools import partial

import httpx
import pyotp
import pytest

from support.accounts import PASSWORD, Account, login, register
from support.server import RunningServer

get = partial(httpx.get, verify=False, timeout=20)
NEW_PASSWORD = "seven slow rivers bend"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}
    with RunningServer(environment={**rates, "CLOUDCHAT_REGISTRATION": "open"}) as running:
        yield running


@pytest.fixture(scope="module")
def chief(server: RunningServer) -> Iterator[Account]:
    """The first administrator, with a password of their own."""
    account = login(server.url, "admin", server.first_password)
    change = {"current_password": server.first_password, "new_password": NEW_PASSWORD}
    assert account.http.post("/api/auth/password", json=change).status_code == 204
    yield account
    account.http.close()


def with_token(server: RunningServer, token: str, path: str = "/api/me") -> httpx.Response:
    return get(server.url + path, headers={"Authorization": f"Bearer {token}"})


def test_a_new_user_comes_in_by_a_one_time_password(server: RunningServer, chief: Account) -> None:
    made = chief.http.post("/api/admin/users", json={"username": "newcomer", "role": "moderator"})
    assert made.status_code == 201
    user, password = made.json()["user"], made.json()["one_time_password"]
    assert (user["name"], user["role"], user["must_change_password"]) == ("newcomer", "moderator", True)
    newcomer = login(server.url, "newcomer", password)
    assert newcomer.http.get("/api/rooms").status_code == 403
    change = {"current_password": password, "new_password": PASSWORD}
    assert newcomer.http.post("/api/auth/password", json=change).status_code == 204
    assert newcomer.http.get("/api/rooms").status_code == 200


def test_disabling_and_enabling_hold_at_once(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    path = f"/api/admin/users/{ann.user_id}"
    assert chief.http.patch(path, json={"disabled": True}).json()["disabled"] is True
    assert ann.http.get("/api/me").status_code == 403
    assert chief.http.patch(path, json={"disabled": False}).json()["disabled"] is False
    assert login(server.url, ann.name).http.get("/api/me").status_code == 200


def test_a_reset_password_replaces_the_old_one(server: RunningServer, chief: Account) -> None:
    ann = register(server.url)
    password = chief.http.post(f"/api/admin/users/{ann.user_id}/reset-password").json()["one_time_password"]
    assert ann.http.get("/api/me").status_code == 401
    with pytest.raises(httpx.HTTPStatusError):
        login(server.url, ann.name, PASSWORD)
    assert login(server.url, ann.name, password).http.get("/api/me").json()["must_change_password"] is True


def test_a_lost_second_factor_is_taken_away_and_whoever_had_the_session_comes_again(
    server: RunningServer, chief: Account
) -> None:
    ann = register(server.url)
    path = f"/api/admin/users/{ann.user_id}/reset-second-factor"
    assert chief.http.post(path).status_code == 409  # there is none yet
    secret = ann.http.post("/api/auth/totp/setup", json={"password": PASSWORD}).json()["secret"]
    ann.http.post("/api/auth/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).raise_for_status()
    with pytest.raises(httpx.HTTPStatusError):
        login(server.url, ann.name)
    assert chief.http.post(path).status_code == 204
    assert ann.http.get("/api/me").status_code == 401
    assert login(server.url, ann.name).http.get("/api/me").json()["totp_enabled"] is False
    told = chief.http.get("/api/admin/audit", params={"limit": 2}).json()["entries"][1]
    assert (told["action"], told["target_name"], told["result"]) == ("user.reset_totp", ann.name, "done")


def test_nobody_takes_over_by_resetting_their_own(chief: Account) -> None:
    for what in ("password", "second-factor"):
        answer = chief.http.post(f"/api/admin/users/{chief.user_id}/reset-{what}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert chief.http.get("/api/me").status_code == 200


def test_a_token_is_issued_shown_once_listed_and_revoked(server: RunningServer, chief: Account) -> None:
    bot = register(server.url)
    wish = {"user": bot.name, "scopes": ["chat:read"], "ttl_seconds": 3600, "label": "weather"}
    issued = chief.http.post("/api/admin/tokens", json=wish)
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


def test_a_token_that_administers_can_not_make_one_that_chats(server: RunningServer, chief: Account) -> None:
    wish = {"user": "admin", "scopes": ["admin"], "ttl_seconds": 60}
    token = chief.http.post("/api/admin/tokens", json=wish).json()["token"]
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, verify=False) as program:
        more = program.post("/api/admin/tokens", json={**wish, "scopes": ["admin", "chat:read"]})
        assert (more.status_code, more.json()["error"]["code"]) == (403, "forbidden")
        assert program.post("/api/admin/tokens", json=wish).status_code == 201


WISHES = {
    "beyond the role": ({"scopes": ["admin"]}, 409, "scopes"),
    "a scope that is none": ({"scopes": ["everything"]}, 422, "scopes.0"),
    "no scope": ({"scopes": []}, 422, "scopes"),
    "for ever": ({"ttl_seconds": 10**9}, 422, "ttl_seconds"),
    "for no time": ({"ttl_seconds": 0}, 422, "ttl_seconds"),
    "a label that breaks lists": ({"label": "a\nb"}, 422, "label"),
    "for nobody": ({"user": "nobody-at-all"}, 404, None),
    "one field too many": ({"role": "admin"}, 422, "role"),
}


@pytest.mark.parametrize(("change", "status", "field"), WISHES.values(), ids=WISHES.keys())
def test_a_token_that_can_not_be_is_refused(
    server: RunningServer, chief: Account, change: dict[str, object], status: int, field: str | None
) -> None:
    bot = register(server.url)
    wish = {"user": bot.name, "scopes": ["chat:read"], "ttl_seconds": 60, **change}
    answer = chief.http.post("/api/admin/tokens", json=wish)
    assert (answer.status_code, answer.json()["error"].get("field")) == (status, field)


@pytest.mark.parametrize(("seconds", "status"), [(60.0, 201), (60.5, 422), ("60", 422), (True, 422), (1e300, 422)])
def test_a_whole_number_is_one_in_each_of_its_writings(chief: Account, seconds: object, status: int) -> None:
    assert chief.http.post("/api/admin/invites", json={"ttl_seconds": seconds}).status_code == status


def test_an_invite_is_made_listed_and_deleted(chief: Account) -> None:
    made = chief.http.post("/api/admin/invites", json={"ttl_seconds": 60})
    assert made.status_code == 201
    listed = chief.http.get("/api/admin/invites")
    assert made.json()["invite"] not in listed.text
    assert made.json()["id"] in {invite["id"] for invite in listed.json()["invites"]}
    path = f"/api/admin/invites/{made.json()['id']}"
    assert [chief.http.delete(path).status_code for _ in range(2)] == [204, 404]


def test_pages_of_users_and_of_the_audit_log_lead_to_the_end(server: RunningServer, chief: Account) -> None:
    register(server.url)
    for path, what, cursor in (("/api/admin/users", "users", "after"), ("/api/admin/audit", "entries", "before")):
        seen: list[str] = []
        answer = chief.http.get(path, params={"limit": 2}).json()
        while True:
            seen += [entry["id"] for entry in answer[what]]
            if answer["next"] is None:
                break
            answer = chief.http.get(path, params={"limit": 2, cursor: answer["next"]}).json()
        assert len(seen) == len(set(seen)) > 2


def test_the_audit_log_tells_who_from_where_and_what_was_refused(chief: Account) -> None:
    refused = chief.http.patch(f"/api/admin/users/{chief.user_id}", json={"role": "member"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    newest = chief.http.get("/api/admin/audit", params={"limit": 1}).json()["entries"][0]
    assert (newest["actor_name"], newest["target_name"]) == ("admin", "admin")
    assert (newest["action"], newest["result"], newest["address"]) == ("user.change", "refused", "127.0.0.1")
    assert newest["at"].endswith("Z")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "before=%00", "before=" + "a" * 23])
def test_a_page_that_can_not_be_is_refused(chief: Account, query: str) -> None:
    assert chief.http.get(f"/api/admin/audit?{query}").status_code == 422


@pytest.mark.parametrize("origin", ["https://attacker.example", "null"])
def test_a_page_of_another_origin_changes_nothing(chief: Account, origin: str) -> None:
    answer = chief.http.post("/api/admin/users", json={"username": "eve", "role": "admin"}, headers={"Origin": origin})
    assert answer.status_code == 403


def test_what_is_no_json_changes_nothing(chief: Account) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = chief.http.post("/api/admin/users", content=b'{"username":"eve","role":"admin"}', headers=headers)
    assert answer.status_code == 415
