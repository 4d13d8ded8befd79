"""Requests to the HTTP API of the server that the user named. Blocking calls: run them in threads."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from cloudchat.core.origin import is_loopback

REQUEST_SECONDS = 20.0
MAX_ANSWER_BYTES = 1 << 20


class AddressError(ValueError):
    """The text is not the address of a server. The message says what is needed."""


class RequestFailed(Exception):
    """The server refused the request. `code` is the error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Address:
    """The address of a server, such as `https://chat.example.com`."""

    def __init__(self, url: str) -> None:
        """Raises `AddressError`."""
        try:
            parts = urlsplit(url if "://" in url else f"https://{url}")
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise AddressError(f"{url!a} is not an address: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise AddressError(f"{url!a} is not an address. Give one like https://chat.example.com")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            # Other users of the machine see the arguments of a command.
            raise AddressError("give the address without a user, a password or a token")
        self.http = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.websocket = f"ws{self.http.removeprefix('http')}/ws"
        self.is_local = is_loopback(host)
        self.is_encrypted = parts.scheme == "https"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A password or a token goes to the address that the user gave, and to no other one."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def request(
    address: Address, method: str, path: str, body: dict[str, Any] | None = None, *, token: str = ""
) -> dict[str, Any]:
    """Send a request and return the answer's JSON. Blocking.

    Raises `RequestFailed` if the server refuses it, and OSError if a retry can help.
    """
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if address.is_local:  # reached without the proxy of the environment, like the socket
        handlers.append(urllib.request.ProxyHandler({}))
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if content is not None:
        headers["Content-Type"] = "application/json"
    sent = urllib.request.Request(  # noqa: S310 (`Address` allows http and https only)
        address.http + path, content, headers, method=method
    )
    try:
        with urllib.request.build_opener(*handlers).open(sent, timeout=REQUEST_SECONDS) as response:
            answer = response.read(MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            code, message, retryable = _error_of(error.status or 0, error.read(MAX_ANSWER_BYTES))
        if retryable:
            raise OSError(message) from error
        raise RequestFailed(code, message) from error
    return json.loads(answer) if answer else {}


def _error_of(status: int, body: bytes) -> tuple[str, str, bool]:
    """Return code and message of an error response, and whether a retry can help."""
    try:
        error = json.loads(body)["error"]
        return str(error["code"]), str(error["message"]), bool(error["retryable"])
    except (ValueError, KeyError, TypeError):  # not of cloudchat: of a proxy, or of another server
        return "", f"the server answered with HTTP status {status}", status >= 500
