"""CSRF: which pages may use the cookie routes, and when a cookie must be Secure."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from cloudchat.auth.sessions.refresh_cookie import RefreshCookie
from cloudchat.http.csrf import only_plain_loopback, require_allowed_origin, require_json
from cloudchat.http.errors import ApiError

ALLOWED = frozenset({"https://chat.example"})


def request_with(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "method": "POST", "path": "/"})


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://chat.example",
        "https://chat.example:8443",
        "https://chat.example.attacker.example",
        "https://attacker.example#https://chat.example",
        "https://CHAT.example",
        "https://chat.example/",
    ],
)
def test_an_origin_that_differs_in_any_way_is_rejected(origin: str) -> None:
    for required in (True, False):
        with pytest.raises(ApiError):
            require_allowed_origin(request_with(origin=origin), ALLOWED, required=required)


def test_the_exact_origin_is_accepted() -> None:
    require_allowed_origin(request_with(origin="https://chat.example"), ALLOWED, required=True)


def test_a_missing_origin_is_accepted_only_where_it_is_not_required() -> None:
    require_allowed_origin(request_with(), ALLOWED, required=False)
    with pytest.raises(ApiError):
        require_allowed_origin(request_with(), ALLOWED, required=True)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_content_types_are_accepted(content_type: str) -> None:
    require_json(request_with(content_type=content_type))


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"]
)
def test_content_types_that_a_form_of_another_site_can_send_are_rejected_with_415(content_type: str) -> None:
    with pytest.raises(ApiError) as rejected:
        require_json(request_with(content_type=content_type))
    assert rejected.value.status_code == 415


@pytest.mark.parametrize(
    ("origins", "plain"),
    [
        ({"http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"}, True),
        ({"https://chat.example"}, False),
        ({"http://localhost:8000", "https://chat.example"}, False),
        ({"http://chat.lan"}, False),
        ({"http://localhost.attacker.example"}, False),
        (set(), False),
        ({"http://127.0.0.2:8000", "http://chat.localhost:8000"}, True),
    ],
)
def test_only_plain_http_origins_on_loopback_allow_a_cookie_without_secure(origins: set[str], plain: bool) -> None:
    assert only_plain_loopback(origins) is plain


def test_the_cookie_is_http_only_same_site_and_host_bound() -> None:
    response = Response()
    RefreshCookie(secure=True, installation="0a1b2c3d").write(response, "secret", 60)
    parts = {part.strip().lower() for part in response.headers["set-cookie"].split(";")}
    assert "__host-cloudchat-refresh-0a1b2c3d=secret" in parts
    assert {"httponly", "secure", "samesite=strict", "path=/", "max-age=60"} <= parts
    assert not any(part.startswith("domain") for part in parts)


OURS, OTHERS = (RefreshCookie(secure=False, installation=name) for name in ("0a1b2c3d", "4e5f6a7b"))


def test_the_cookie_of_another_installation_on_this_host_is_ignored_and_kept() -> None:
    assert OURS.name != OTHERS.name
    request = request_with(cookie=f"{OTHERS.name}=theirs")
    response = Response()
    assert OURS.read(request) is None
    OURS.clear(response)
    OURS.rename(request, response)
    assert OTHERS.name not in str(response.raw_headers)


def test_a_cookie_with_the_name_of_earlier_versions_is_read_until_its_token_is_exchanged() -> None:
    request = request_with(cookie="cloudchat-refresh=old")
    assert OURS.read(request) == "old"
    response = Response()
    OURS.write(response, "new", 60)
    OURS.rename(request, response)
    written, deleted = response.headers.getlist("set-cookie")
    assert written.startswith(f"{OURS.name}=new;")
    assert deleted.startswith('cloudchat-refresh="";')
    assert "Max-Age=0" in deleted


def test_an_old_cookie_beside_a_new_one_is_another_server_s_and_stays() -> None:
    request = request_with(cookie=f"cloudchat-refresh=theirs; {OURS.name}=ours")
    response = Response()
    assert OURS.read(request) == "ours"
    OURS.rename(request, response)
    assert response.headers.getlist("set-cookie") == []
