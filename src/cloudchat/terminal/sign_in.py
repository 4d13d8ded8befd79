"""Sign in over HTTP with a name and a password, and keep the session alive. Blocking calls run in threads."""

import asyncio
from collections.abc import Callable
from typing import Any

from cloudchat.client import SignInRequired
from cloudchat.terminal.http_requests import Address, RequestFailed, request


class LoginSession:
    """A session of a user. `provide_token` is the `TokenProvider` of the client."""

    def __init__(self, address: Address, answer: dict[str, Any]) -> None:
        self._address = address
        self._take(answer)

    @classmethod
    def open(cls, address: Address, username: str, password: str, ask_code: Callable[[], str]) -> "LoginSession":
        """Sign in. `ask_code` is called if the account has a second factor.

        Raises `RequestFailed`, and OSError if the server cannot be reached.
        """
        body = {"username": username, "password": password, "refresh": "body"}
        try:
            return cls(address, request(address, "POST", "/api/auth/login", body))
        except RequestFailed as error:
            if error.code != "second_factor_required":
                raise
        return cls(address, request(address, "POST", "/api/auth/login", {**body, "totp": ask_code()}))

    async def provide_token(self, fresh: bool) -> str:
        """Return the access token, a new one if `fresh`."""
        if fresh:
            await asyncio.to_thread(self._refresh)
        return self._access_token

    def close(self) -> None:
        """End the session on the server. If it cannot be reached, the session ends by itself."""
        try:
            request(self._address, "POST", "/api/auth/logout", {"refresh_token": self._refresh_token})
        except (OSError, RequestFailed):
            return

    def _refresh(self) -> None:
        try:
            self._take(request(self._address, "POST", "/api/auth/refresh", {"refresh_token": self._refresh_token}))
        except RequestFailed as error:
            raise SignInRequired(f"the session has ended: {error}") from error

    def _take(self, answer: dict[str, Any]) -> None:
        self._access_token: str = answer["access_token"]
        self._refresh_token: str = answer["refresh_token"]
