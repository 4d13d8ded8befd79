"""Sign in over HTTP with a name and a password, and keep the session alive. Blocking calls run in threads."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from cloudchat.client import SignInRequired
from cloudchat.core.origin import is_loopback

REQUEST_SECONDS = 20.0
MAX_ANSWER_BYTES = 1 << 20


class AddressError(ValueError):
    """The text is not the address of a server. The message says what is needed."""


class SignInFailed(Exception):
    """The server refused the sign-in. `code` is the error code."""

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


class LoginSession:
    """A session of a user. `provide_token` is the `TokenProvider` of the client."""

    def __init__(self, address: Address, answer: dict[str, Any]) -> None:
        self._address = address
        self._take(answer)

    @classmethod
    def open(cls, address: Address, username: str, password: str, ask_code: Callable[[], str]) -> "LoginSession":
        """Sign in. `ask_code` is called if the account has a second factor.

        Raises `SignInFailed`, and OSError if the server cannot be reached.
        """
        body = {"username": username, "password": password, "refresh": "body"}
        try:
            return cls(address, _post(address, "/api/auth/login", body))
        except SignInFailed as error:
            if error.code != "second_factor_required":
                raise
        return cls(address, _post(address, "/api/auth/login", {**body, "totp": ask_code()}))

    async def provide_token(self, fresh: bool) -> str:
        """Return the access token, a new one if `fresh`."""
        if fresh:
            await asyncio.to_thread(self._refresh)
        return self._access_token

    def close(self) -> None:
        """End the session on the server. If it cannot be reached, the session ends by itself."""
        try:
            _post(self._address, "/api/auth/logout", {"refresh_token": self._refresh_token})
        except (OSError, SignInFailed):
            return

    def _refresh(self) -> None:
        try:
            self._take(_post(self._address, "/api/auth/refresh", {"refresh_token": self._refresh_token}))
        except SignInFailed as error:
            raise SignInRequired(f"the session has ended: {error}") from error

    def _take(self, answer: dict[str, Any]) -> None:
        self._access_token: str = answer["access_token"]
        self._refresh_token: str = answer["refresh_token"]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A password goes to the address that the user gave, and to no other one."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _post(address: Address, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a request. Raises `SignInFailed` if the server refuses it, and OSError if a retry can help."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if address.is_local:  # reached without the proxy of the environment, like the socket
        handlers.append(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(  # noqa: S310 (`Address` allows http and https only)
        address.http + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=REQUEST_SECONDS) as response:
            answer = response.read(MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            code, message, retryable = _error_of(error.status or 0, error.read(MAX_ANSWER_BYTES))
        if retryable:
            raise OSError(message) from error
        raise SignInFailed(code, message) from error
    return json.loads(answer) if answer else {}


def _error_of(status: int, body: bytes) -> tuple[str, str, bool]:
    """Return code and message of an error response, and whether a retry can help."""
    try:
        error = json.loads(body)["error"]
        return str(error["code"]), str(error["message"]), bool(error["retryable"])
    except (ValueError, KeyError, TypeError):  # not of cloudchat: of a proxy, or of another server
        return "", f"the server answered with HTTP status {status}", status >= 500
