"""The refresh token in a browser: a cookie that no script can read and no other site can send (ASVS 3.3)."""

from fastapi import Request, Response


class RefreshCookie:
    """The cookie `__Host-cloudchat-refresh-…`, with `Secure`. Over plain http on this machine it has neither.

    The prefix makes browsers reject the cookie from a subdomain or over plain http, either of which could otherwise
    plant one. The suffix names the installation, because browsers send a cookie to every port of a host (RFC 6265
    §8.5): with one name, two servers on one host would overwrite each other's sessions.
    """

    def __init__(self, *, secure: bool, installation: str) -> None:
        """`installation` is the same for all servers of an installation, and for no other one."""
        self._secure = secure
        self._old_name = "__Host-cloudchat-refresh" if secure else "cloudchat-refresh"
        self.name = f"{self._old_name}-{installation}"

    def read(self, request: Request) -> str | None:
        """Return the refresh token that the browser sent, also from a cookie with the name of earlier versions."""
        return request.cookies.get(self.name) or request.cookies.get(self._old_name)

    def write(self, response: Response, token: str, max_age: int) -> None:
        """Set the cookie for `max_age` seconds."""
        response.set_cookie(
            self.name, token, max_age=max_age, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def rename(self, request: Request, response: Response) -> None:
        """Delete the cookie with the old name, after its token was exchanged.

        Only then is it certainly this installation's. Another server on this host may have set it.
        """
        if self.name not in request.cookies and self._old_name in request.cookies:
            self._delete(response, self._old_name)

    def clear(self, response: Response) -> None:
        """Delete the cookie."""
        self._delete(response, self.name)

    def _delete(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="strict")
