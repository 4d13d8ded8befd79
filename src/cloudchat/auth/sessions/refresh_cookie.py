"""The refresh token in a browser: a cookie that no script can read and no other site can send (ASVS 3.3)."""

from fastapi import Request, Response


class RefreshCookie:
    """The cookie `__Host-cloudchat-refresh`, with `Secure`. Over plain http on this machine it has neither.

    The prefix makes browsers reject a cookie that a subdomain sets or that is set over plain http. Otherwise an
    attacker could plant one there.
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self.name = "__Host-cloudchat-refresh" if secure else "cloudchat-refresh"

    def read(self, request: Request) -> str | None:
        """Return the refresh token that the browser sent."""
        return request.cookies.get(self.name)

    def write(self, response: Response, token: str, max_age: int) -> None:
        """Set the cookie for `max_age` seconds."""
        response.set_cookie(
            self.name, token, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def clear(self, response: Response) -> None:
        """Delete the cookie."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="strict")
