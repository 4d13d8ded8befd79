"""Accounts on the real server: for browsers, for programs, and against forged requests of other sites."""

import re
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from support.accounts import PASSWORD, Account, login, register
from support.server import RunningServer

# Plain http: verify=False saves loading the certificates, a tenth of a second per client.
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One server for all tests of this module. Each makes its own users, more than the default rate limits allow."""
    rates = {f"CLOUDCHAT_{name}_RATE": "9999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT")}
    with RunningServer(environment=rates) as running:
        yield running


@pytest.fixture
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    yield account
    account.http.close()


def refresh(account: Account, **headers: str) -> httpx.Response:
    """Refresh as a browser does: with the cookie and the header Origin."""
    return account.http.post("/api/auth/refresh", json={}, headers={"Origin": account.url, **headers})


def code_of(response: httpx.Response) -> str:
    code: str = response.json()["error"]["code"]
    return code


def test_registered_user_has_a_profile_and_the_lobby(ann: Account) -> None:
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


def test_login_sets_an_http_only_cookie_and_has_no_refresh_token_in_the_body(
    server: RunningServer, ann: Account
) -> None:
    response = post(f"{server.url}/api/auth/login", json={"username": ann.name, "password": PASSWORD})
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith(f"{ann.cookie}=")
    assert re.fullmatch(r"cloudchat-refresh-[0-9a-f]{8}", ann.cookie)  # on plain http to this machine
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "refresh_token" not in response.json()


def test_login_with_refresh_in_body_sets_no_cookie(server: RunningServer, ann: Account) -> None:
    with httpx.Client(verify=False, base_url=server.url) as program:
        signed_in = program.post(
            "/api/auth/login", json={"username": ann.name, "password": PASSWORD, "refresh": "body"}
        )
        fresh = program.post("/api/auth/refresh", json={"refresh_token": signed_in.json()["refresh_token"]})
        assert fresh.status_code == 200
        assert fresh.json()["refresh_token"] != signed_in.json()["refresh_token"]
        assert fresh.json()["expires_in"] == 600
        assert not program.cookies


def test_two_tabs_can_refresh_with_the_same_cookie(ann: Account) -> None:
    old = ann.http.cookies[ann.cookie]
    responses = [refresh(ann)]
    ann.http.cookies.set(
        ann.cookie, old, domain="127.0.0.1", path="/"
    )  # the other tab sent it before the response arrived
    responses.append(refresh(ann))
    assert [response.status_code for response in responses] == [200, 200]
    for response in responses:
        headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
        assert ann.http.get("/api/me", headers=headers).status_code == 200
    assert refresh(ann).status_code == 200


def test_refresh_rotates_the_cookie_and_an_older_cookie_gets_409(ann: Account) -> None:
    old = ann.http.cookies[ann.cookie]
    assert refresh(ann).status_code == 200
    assert ann.http.cookies[ann.cookie] != old
    assert refresh(ann).status_code == 200
    with httpx.Client(verify=False, base_url=ann.url, cookies={ann.cookie: old}) as other_tab:
        late = other_tab.post("/api/auth/refresh", json={}, headers={"Origin": ann.url})
    error = late.json()["error"]
    assert (late.status_code, error["code"], error["retryable"]) == (409, "conflict", True)
    assert error["retry_after_ms"] > 0
    assert "set-cookie" not in late.headers
    assert refresh(ann).status_code == 200


class TestForgedRequests:
    """Requests of another site's page, which carry the victim's cookie."""

    @pytest.mark.parametrize("path", ["refresh", "logout"])
    @pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://127.0.0.1:1", None])
    def test_cookie_route_returns_403_for_another_or_missing_origin(
        self, ann: Account, path: str, origin: str | None
    ) -> None:
        del ann.http.headers["Authorization"]
        headers = {} if origin is None else {"Origin": origin}
        response = ann.http.post(f"/api/auth/{path}", json={}, headers=headers)
        assert (response.status_code, code_of(response)) == (403, "forbidden")
        assert refresh(ann).status_code == 200

    @pytest.mark.parametrize("path", ["refresh", "logout", "login", "register", "password"])
    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
    def test_content_type_of_a_form_returns_415(self, ann: Account, path: str, content_type: str | None) -> None:
        headers = {"Origin": ann.url, **({"Content-Type": content_type} if content_type else {})}
        response = ann.http.post(f"/api/auth/{path}", content=b"{}", headers=headers)
        assert response.status_code == 415
        assert refresh(ann).status_code == 200

    def test_login_from_another_origin_returns_403_and_sets_no_cookie(self, ann: Account) -> None:
        response = ann.http.post(
            "/api/auth/login",
            json={"username": ann.name, "password": PASSWORD},
            headers={"Origin": "https://attacker.example"},
        )
        assert response.status_code == 403
        assert "set-cookie" not in response.headers

    def test_response_to_another_origin_has_no_cors_headers(self, ann: Account) -> None:
        for method in ("GET", "OPTIONS"):
            response = ann.http.request(method, "/api/me", headers={"Origin": "https://attacker.example"})
            assert "access-control-allow-origin" not in response.headers


class TestEndOfSession:
    def test_logout_ends_the_session_and_clears_the_cookie(self, ann: Account) -> None:
        name = ann.cookie
        copy = ann.http.cookies[name]
        response = ann.http.post("/api/auth/logout", json={}, headers={"Origin": ann.url})
        assert response.status_code == 204
        assert name not in ann.http.cookies
        assert ann.http.get("/api/me").status_code == 401
        with httpx.Client(verify=False, base_url=ann.url, cookies={name: copy}) as thief:
            assert thief.post("/api/auth/refresh", json={}, headers={"Origin": ann.url}).status_code == 401

    def test_logout_accepts_a_refresh_token_in_the_body(self, server: RunningServer, ann: Account) -> None:
        body = {"username": ann.name, "password": PASSWORD, "refresh": "body"}
        signed_in = post(f"{server.url}/api/auth/login", json=body).json()
        token = {"refresh_token": signed_in["refresh_token"]}
        assert post(f"{server.url}/api/auth/logout", json=token).status_code == 204
        headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
        assert get(f"{server.url}/api/me", headers=headers).status_code == 401
        assert ann.http.get("/api/me").status_code == 200

    def test_second_logout_returns_204(self, ann: Account) -> None:
        for _ in range(2):
            assert ann.http.post("/api/auth/logout", json={}, headers={"Origin": ann.url}).status_code == 204

    def test_user_can_end_the_session_of_another_device(self, server: RunningServer, ann: Account) -> None:
        phone = login(server.url, ann.name)
        sessions = ann.http.get("/api/auth/sessions").json()["sessions"]
        (lost,) = [session["id"] for session in sessions if not session["current"]]
        assert ann.http.delete(f"/api/auth/sessions/{lost}").status_code == 204
        assert phone.http.get("/api/me").status_code == 401
        assert refresh(phone).status_code == 401
        assert len(ann.http.get("/api/auth/sessions").json()["sessions"]) == 1

    def test_ending_the_session_of_another_user_returns_404(self, server: RunningServer, ann: Account) -> None:
        bob = register(server.url)
        (session,) = bob.http.get("/api/auth/sessions").json()["sessions"]
        response = ann.http.delete(f"/api/auth/sessions/{session['id']}")
        assert (response.status_code, code_of(response)) == (404, "not_found")
        assert bob.http.get("/api/me").status_code == 200


def test_first_password_allows_only_the_change_of_the_password(server: RunningServer) -> None:
    admin = login(server.url, "admin", server.first_password)
    assert admin.http.get("/api/me").json()["must_change_password"] is True
    assert admin.http.get("/api/rooms").status_code == 403
    change = {"current_password": server.first_password, "new_password": "seven slow rivers bend"}
    assert admin.http.post("/api/auth/password", json=change).status_code == 204
    assert admin.http.get("/api/rooms").status_code == 200
    assert admin.http.get("/api/me").json()["scopes"] == ["admin", "chat:read", "chat:write"]


def test_refused_password_change_names_the_field(ann: Account) -> None:
    for change, status, field in (
        ({"current_password": "wrong", "new_password": "seven slow rivers bend"}, 403, "current_password"),
        ({"current_password": PASSWORD, "new_password": "passwordpassword"}, 422, "new_password"),
    ):
        response = ann.http.post("/api/auth/password", json=change)
        assert (response.status_code, response.json()["error"]["field"]) == (status, field)


def test_wrong_password_and_unknown_user_get_the_same_response(server: RunningServer, ann: Account) -> None:
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
def test_invalid_registration_returns_422_and_names_the_field(
    server: RunningServer, body: object, field: str | None
) -> None:
    response = post(f"{server.url}/api/auth/register", json=body)
    assert (response.status_code, code_of(response)) == (422, "bad_request")
    assert response.json()["error"].get("field") == field
    assert PASSWORD not in response.text


def test_taken_or_reserved_username_returns_409(server: RunningServer, ann: Account) -> None:
    register(server.url, "bobo").http.close()
    for name in (ann.name.upper(), f" {ann.name}\u00a0", "b0bo", "BOBO", "Root", "r00t"):
        response = post(f"{server.url}/api/auth/register", json={"username": name, "password": PASSWORD})
        assert (response.status_code, code_of(response), response.json()["error"]["field"]) == (
            409,
            "conflict",
            "username",
        )


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer x", "Basic YW5uOmFubg==", "Bearer " + "a" * 5000, "bearer\tx"],
)
@pytest.mark.parametrize("path", ["/api/me", "/api/rooms", "/api/auth/sessions"])
def test_request_without_a_valid_token_returns_401(server: RunningServer, path: str, header: str | None) -> None:
    response = get(f"{server.url}{path}", headers={} if header is None else {"Authorization": header})
    assert (response.status_code, code_of(response)) == (401, "unauthenticated")
    assert response.headers["cache-control"] == "no-store"


def test_blanks_around_a_username_and_in_a_code_do_not_matter(server: RunningServer, ann: Account) -> None:
    body = {"username": f" {ann.name}\u200b", "password": PASSWORD, "refresh": "body"}
    assert post(f"{server.url}/api/auth/login", json=body).json()["user"]["name"] == ann.name
    assert post(f"{server.url}/api/auth/login", json={**body, "password": f"{PASSWORD} "}).status_code == 401


def test_the_openapi_document_says_what_a_logout_and_a_username_need(server: RunningServer) -> None:
    document = get(f"{server.url}/openapi.json").json()
    assert {} in document["paths"]["/api/auth/logout"]["post"]["security"]
    for name in ("RegisterRequest", "LoginRequest", "UserRequest"):
        username = document["components"]["schemas"][name]["properties"]["username"]
        assert (username["minLength"], username["maxLength"]) == (2, 32)


def test_every_route_documents_its_errors(server: RunningServer) -> None:
    paths = get(f"{server.url}/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            if not path.startswith("/api/"):
                continue
            responses = operation["responses"]
            expected = {"429", "503"}
            if operation.get("security") and path != "/api/auth/logout":  # where the token is optional
                expected |= {"401", "403"}
            expected |= {"413", "415", "422"} if "requestBody" in operation else set()
            assert expected <= set(responses), f"{method} {path}"
            for status in (status for status in responses if status >= "400"):
                documented = responses[status]["content"]["application/json"]
                assert documented["schema"]["$ref"].endswith("ErrorResponse"), f"{method} {path} {status}"
                assert documented["example"]["error"]["code"]


def test_log_has_no_tokens_and_no_passwords(server: RunningServer, ann: Account) -> None:
    refresh(ann)
    post(f"{server.url}/api/auth/login", json={"username": "typed-in-the-wrong-field", "password": "wrong"})
    for secret in (PASSWORD, ann.access_token, ann.http.cookies[ann.cookie], "typed-in-the-wrong-field"):
        assert secret not in server.log


def test_two_servers_on_one_host_keep_each_other_s_sessions(server: RunningServer) -> None:
    """A browser sends a cookie to every port of a host."""
    with RunningServer() as other, httpx.Client(verify=False) as browser:
        for each in (server, other):
            name = register(each.url).name
            body = {"username": name, "password": PASSWORD}
            assert browser.post(f"{each.url}/api/auth/login", json=body).status_code == 200
        for each in (server, other, server):
            answer = browser.post(f"{each.url}/api/auth/refresh", json={}, headers={"Origin": each.url})
            assert answer.status_code == 200
        browser.post(f"{other.url}/api/auth/logout", json={}, headers={"Origin": other.url})
        answer = browser.post(f"{server.url}/api/auth/refresh", json={}, headers={"Origin": server.url})
        assert answer.status_code == 200


def test_a_session_of_an_earlier_version_continues_with_the_new_name(ann: Account) -> None:
    old = {"cloudchat-refresh": ann.http.cookies[ann.cookie]}
    with httpx.Client(verify=False, base_url=ann.url, cookies=old) as browser:
        for _ in range(2):
            answer = browser.post("/api/auth/refresh", json={}, headers={"Origin": ann.url})
            assert answer.status_code == 200
            assert ann.cookie in browser.cookies
