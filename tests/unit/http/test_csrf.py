"""Whose pages may use the cookie routes, and when a cookie must be Secure."""

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
def test_any_origin_but_the_exact_one_is_refused(origin: str) -> None:
    for present in (True, False):
        with pytest.raises(ApiError):
            require_allowed_origin(request_with(origin=origin), ALLOWED, required=present)


def test_the_exact_origin_passes() -> None:
    require_allowed_origin(request_with(origin="https://chat.example"), ALLOWED, required=True)


def test_a_program_without_an_origin_passes_only_where_no_cookie_speaks_for_it() -> None:
    require_allowed_origin(request_with(), ALLOWED, required=False)
    with pytest.raises(ApiError):
        require_allowed_origin(request_with(), ALLOWED, required=True)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json(content_type: str) -> None:
    require_json(request_with(content_type=content_type))


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"]
)
def test_what_a_form_of_another_site_can_send_is_refused(content_type: str) -> None:
    with pytest.raises(ApiError) as refused:
        require_json(request_with(content_type=content_type))
    assert refused.value.status_code == 415


@pytest.mark.parametrize(
    ("origins", "plain"),
    [
        ({"http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"}, True),
        ({"https://chat.example"}, False),
        ({"http://localhost:8000", "https://chat.example"}, False),
        ({"http://chat.lan"}, False),
        ({"http://localhost.attacker.example"}, False),
        (set(), False),
    ],
)
def test_only_plain_pages_of_this_machine_get_a_cookie_that_is_not_secure(origins: set[str], plain: bool) -> None:
    assert only_plain_loopback(origins) is plain


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    response = Response()
    RefreshCookie(secure=True).write(response, "secret", 60)
    parts = {part.strip().lower() for part in response.headers["set-cookie"].split(";")}
    assert "__host-cloudchat-refresh=secret" in parts
    assert {"httponly", "secure", "samesite=strict", "path=/", "max-age=60"} <= parts
    assert not any(part.startswith("domain") for part in parts)
