"""The refresh token in a browser: a cookie that no script can read and no other site can send (ASVS 3.3)."""

from fastapi import Request, Response


class RefreshCookie:
    """`__Host-cloudchat-refresh`, Secure; only pages by plain http on this machine get one without both.

    The prefix makes browsers refuse such a cookie from a subdomain or from plain http, which could otherwise plant one.
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self.name = "__Host-cloudchat-refresh" if secure else "cloudchat-refresh"

    def read(self, request: Request) -> str | None:
        """The token the browser sent."""
        return request.cookies.get(self.name)

    def write(self, response: Response, token: str, max_age: int) -> None:
        """Keep `token` for `max_age` seconds."""
        response.set_cookie(
            self.name, token, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def clear(self, response: Response) -> None:
        """Forget it."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="strict")
