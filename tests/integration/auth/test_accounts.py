"""Accounts through the real server: what a browser and a program may do, and what a page of another site may not."""

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from support.accounts import PASSWORD, Account, login, register
from support.server import RunningServer

# Plain http: no need to load certificates, a tenth of a second each time.
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)

COOKIE = "cloudchat-refresh"  # on plain http to this machine


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One server for all of these tests: each makes users of its own, more than the limits let pass."""
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT")}
    with RunningServer(environment=rates) as running:
        yield running


@pytest.fixture
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    yield account
    account.http.close()


def refresh(account: Account, **headers: str) -> httpx.Response:
    """As the page does it: the cookie, and the Origin that every browser adds."""
    return account.http.post("/api/auth/refresh", json={}, headers={"Origin": account.url, **headers})


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["error"]["code"]
    return code


def test_who_registers_and_signs_in_is_in_the_lobby(ann: Account) -> None:
    me = ann.http.get("/api/me").json()
    assert me == {
        "id": ann.user_id,
        "name": ann.name,
        "role": "member",
        "must_change_password": False,
        "totp_enabled": False,
        "must_set_up_totp": False,
        "scopes": ["chat:read", "chat:write"],
    }
    assert [room["id"] for room in ann.http.get("/api/rooms").json()["rooms"]] == ["lobby"]


def test_the_browser_keeps_the_refresh_token_where_no_script_sees_it(server: RunningServer, ann: Account) -> None:
    answer = post(f"{server.url}/api/auth/login", json={"username": ann.name, "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "refresh_token" not in answer.json()


def test_a_program_gets_the_refresh_token_in_the_body_and_no_cookie(server: RunningServer, ann: Account) -> None:
    with httpx.Client(verify=False, base_url=server.url) as program:
        signed_in = program.post(
            "/api/auth/login", json={"username": ann.name, "password": PASSWORD, "refresh": "body"}
        )
        fresh = program.post("/api/auth/refresh", json={"refresh_token": signed_in.json()["refresh_token"]})
        assert fresh.status_code == 200
        assert fresh.json()["refresh_token"] != signed_in.json()["refresh_token"]
        assert fresh.json()["expires_in"] == 600
        assert not program.cookies


def test_two_tabs_that_refresh_with_one_cookie_both_go_on(ann: Account) -> None:
    old = ann.http.cookies[COOKIE]
    answers = [refresh(ann)]
    ann.http.cookies.set(COOKIE, old, domain="127.0.0.1", path="/")  # the other tab sent it before the answer came
    answers.append(refresh(ann))
    assert [answer.status_code for answer in answers] == [200, 200]
    for answer in answers:
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert ann.http.get("/api/me", headers=headers).status_code == 200
    assert refresh(ann).status_code == 200


def test_a_refresh_rotates_the_cookie_and_a_copy_of_a_used_up_one_gets_nothing(ann: Account) -> None:
    old = ann.http.cookies[COOKIE]
    assert refresh(ann).status_code == 200
    assert ann.http.cookies[COOKIE] != old
    assert refresh(ann).status_code == 200
    with httpx.Client(verify=False, base_url=ann.url, cookies={COOKIE: old}) as other_tab:
        late = other_tab.post("/api/auth/refresh", json={}, headers={"Origin": ann.url})
    error = late.json()["error"]
    assert (late.status_code, error["code"], error["retryable"]) == (409, "conflict", True)
    assert error["retry_after_ms"] > 0
    assert "set-cookie" not in late.headers
    assert refresh(ann).status_code == 200


class TestForgedRequests:
    """A page of another site, whose requests carry the victim's cookie."""

    @pytest.mark.parametrize("path", ["refresh", "logout"])
    @pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://127.0.0.1:1", None])
    def test_an_origin_that_is_not_ours_reaches_nothing(self, ann: Account, path: str, origin: str | None) -> None:
        del ann.http.headers["Authorization"]
        headers = {} if origin is None else {"Origin": origin}
        answer = ann.http.post(f"/api/auth/{path}", json={}, headers=headers)
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")
        assert refresh(ann).status_code == 200

    @pytest.mark.parametrize("path", ["refresh", "logout", "login", "register", "password"])
    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
    def test_what_a_form_can_send_is_refused(self, ann: Account, path: str, content_type: str | None) -> None:
        headers = {"Origin": ann.url, **({"Content-Type": content_type} if content_type else {})}
        answer = ann.http.post(f"/api/auth/{path}", content=b"{}", headers=headers)
        assert answer.status_code == 415
        assert refresh(ann).status_code == 200

    def test_it_can_not_sign_the_victim_in_as_somebody_else(self, ann: Account) -> None:
        answer = ann.http.post(
            "/api/auth/login",
            json={"username": ann.name, "password": PASSWORD},
            headers={"Origin": "https://attacker.example"},
        )
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers

    def test_no_other_origin_may_read_an_answer(self, ann: Account) -> None:
        for method in ("GET", "OPTIONS"):
            answer = ann.http.request(method, "/api/me", headers={"Origin": "https://attacker.example"})
            assert "access-control-allow-origin" not in answer.headers


class TestTheEndOfASession:
    def test_logout_ends_it_and_clears_the_cookie(self, ann: Account) -> None:
        copy = ann.http.cookies[COOKIE]
        answer = ann.http.post("/api/auth/logout", json={}, headers={"Origin": ann.url})
        assert answer.status_code == 204
        assert COOKIE not in ann.http.cookies
        assert ann.http.get("/api/me").status_code == 401
        with httpx.Client(verify=False, base_url=ann.url, cookies={COOKIE: copy}) as thief:
            assert thief.post("/api/auth/refresh", json={}, headers={"Origin": ann.url}).status_code == 401

    def test_a_program_logs_out_by_its_refresh_token(self, server: RunningServer, ann: Account) -> None:
        body = {"username": ann.name, "password": PASSWORD, "refresh": "body"}
        signed_in = post(f"{server.url}/api/auth/login", json=body).json()
        token = {"refresh_token": signed_in["refresh_token"]}
        assert post(f"{server.url}/api/auth/logout", json=token).status_code == 204
        headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
        assert get(f"{server.url}/api/me", headers=headers).status_code == 401
        assert ann.http.get("/api/me").status_code == 200

    def test_logging_out_twice_is_no_error(self, ann: Account) -> None:
        for _ in range(2):
            assert ann.http.post("/api/auth/logout", json={}, headers={"Origin": ann.url}).status_code == 204

    def test_a_user_ends_the_session_of_a_lost_phone(self, server: RunningServer, ann: Account) -> None:
        phone = login(server.url, ann.name)
        sessions = ann.http.get("/api/auth/sessions").json()["sessions"]
        (lost,) = [session["id"] for session in sessions if not session["current"]]
        assert ann.http.delete(f"/api/auth/sessions/{lost}").status_code == 204
        assert phone.http.get("/api/me").status_code == 401
        assert refresh(phone).status_code == 401
        assert len(ann.http.get("/api/auth/sessions").json()["sessions"]) == 1

    def test_nobody_ends_anothers(self, server: RunningServer, ann: Account) -> None:
        bob = register(server.url)
        (session,) = bob.http.get("/api/auth/sessions").json()["sessions"]
        answer = ann.http.delete(f"/api/auth/sessions/{session['id']}")
        assert (answer.status_code, code_of(answer)) == (404, "not_found")
        assert bob.http.get("/api/me").status_code == 200


def test_the_first_administrators_password_opens_only_the_change_of_it(server: RunningServer) -> None:
    admin = login(server.url, "admin", server.first_password)
    assert admin.http.get("/api/me").json()["must_change_password"] is True
    assert admin.http.get("/api/rooms").status_code == 403
    change = {"current_password": server.first_password, "new_password": "seven slow rivers bend"}
    assert admin.http.post("/api/auth/password", json=change).status_code == 204
    assert admin.http.get("/api/rooms").status_code == 200
    assert admin.http.get("/api/me").json()["scopes"] == ["admin", "chat:read", "chat:write"]


def test_a_refused_password_change_says_which_field(ann: Account) -> None:
    for change, status, field in (
        ({"current_password": "wrong", "new_password": "seven slow rivers bend"}, 403, "current_password"),
        ({"current_password": PASSWORD, "new_password": "passwordpassword"}, 422, "new_password"),
    ):
        answer = ann.http.post("/api/auth/password", json=change)
        assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)


def test_wrong_password_and_unknown_user_get_the_same_answer(server: RunningServer, ann: Account) -> None:
    wrong, unknown = (
        post(f"{server.url}/api/auth/login", json={"username": name, "password": "wrong"})
        for name in (ann.name, "nobody-" + secrets.token_hex(4))
    )
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert wrong.headers["www-authenticate"].startswith("Bearer")


BODIES: dict[str, tuple[Any, str | None]] = {
    "one more field": ({"username": "eve", "password": PASSWORD, "role": "admin"}, "role"),
    "a number": ({"username": 12345, "password": PASSWORD}, "username"),
    "a field is missing": ({"username": "eve"}, "password"),
    "null": ({"username": None, "password": PASSWORD}, "username"),
    "a list": (["eve", PASSWORD], None),
    "a short password": ({"username": "eve", "password": "fourteen chars"}, "password"),
    "a common password": ({"username": "eve", "password": "passwordpassword"}, "password"),
    "a name with a newline": ({"username": "eve\nadmin", "password": PASSWORD}, "username"),
}


@pytest.mark.parametrize(("body", "field"), BODIES.values(), ids=BODIES.keys())
def test_a_registration_that_can_not_be_says_where(server: RunningServer, body: object, field: str | None) -> None:
    answer = post(f"{server.url}/api/auth/register", json=body)
    assert (answer.status_code, code_of(answer)) == (422, "bad_request")
    assert answer.json()["error"].get("field") == field
    assert PASSWORD not in answer.text


def test_a_taken_or_reserved_name_is_a_conflict(server: RunningServer, ann: Account) -> None:
    for name in (ann.name.upper(), "Root"):
        answer = post(f"{server.url}/api/auth/register", json={"username": name, "password": PASSWORD})
        assert (answer.status_code, code_of(answer), answer.json()["error"]["field"]) == (409, "conflict", "username")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer x", "Basic YW5uOmFubg==", "Bearer " + "a" * 5000, "bearer\tx"],
)
@pytest.mark.parametrize("path", ["/api/me", "/api/rooms", "/api/auth/sessions"])
def test_without_a_good_token_nothing_is_told(server: RunningServer, path: str, header: str | None) -> None:
    answer = get(f"{server.url}{path}", headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")
    assert answer.headers["cache-control"] == "no-store"


def test_every_route_documents_its_errors(server: RunningServer) -> None:
    paths = get(f"{server.url}/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            if not path.startswith("/api/"):
                continue
            answers = operation["responses"]
            expected = {"429", "503"}
            if operation.get("security") and path != "/api/auth/logout":  # which is glad of a token, and demands none
                expected |= {"401", "403"}
            expected |= {"413", "415", "422"} if "requestBody" in operation else set()
            assert expected <= set(answers), f"{method} {path}"
            for status in (status for status in answers if status >= "400"):
                documented = answers[status]["content"]["application/json"]
                assert documented["schema"]["$ref"].endswith("ErrorResponse"), f"{method} {path} {status}"
                assert documented["example"]["error"]["code"]


def test_no_token_and_no_password_is_in_the_log(server: RunningServer, ann: Account) -> None:
    refresh(ann)
    post(f"{server.url}/api/auth/login", json={"username": "typed-in-the-wrong-field", "password": "wrong"})
    for secret in (PASSWORD, ann.access_token, ann.http.cookies[COOKIE], "typed-in-the-wrong-field"):
        assert secret not in server.log
