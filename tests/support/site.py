"""`RunningSite`: nginx in front of `cloudchat serve` on its unix socket, as in production."""

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from support.accounts import PASSWORD, Account
from support.certificates import Authority
from support.nginx import DOMAIN, ORIGIN, RunningNginx
from support.server import RunningServer
from support.socket import ChatSocket

SITES = ("cloudchat-http.conf", "cloudchat.conf")


class RunningSite:
    """A running nginx and a running cloudchat. Use as a context manager.

    `values` change single lines of nginx's files; `environment` is for cloudchat. `start_nginx` obtains the
    certificate, starts nginx with both sites, and returns the TLS context that trusts the certificate.
    """

    def __init__(
        self,
        *,
        values: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        start_nginx: Callable[[RunningNginx], ssl.SSLContext] | None = None,
    ) -> None:
        self.nginx = RunningNginx(values=values)
        self._start_nginx = start_nginx or _start_with_test_certificate
        self._environment = dict(environment or {})
        self._running = ExitStack()
        self.server: RunningServer
        self.trust: ssl.SSLContext

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.nginx)
            self.trust = self._start_nginx(self.nginx)
            listener = starting.enter_context(socket.socket(socket.AF_UNIX))  # the test holds it open, like systemd
            listener.bind(str(self.nginx.socket_path))
            self.nginx.socket_path.chmod(0o666)
            listener.listen()
            environment = {
                "CLOUDCHAT_ALLOWED_ORIGINS": ORIGIN,
                "CLOUDCHAT_REGISTRATION": "open",
                **self._environment,
            }
            self.server = RunningServer(
                arguments=["--fd", str(listener.fileno())], pass_fds=[listener.fileno()], environment=environment
            )
            starting.callback(self.server.close)
            self.server.start(wait=False)
            self.server.wait_for_output("open on the socket")
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(
                f"--- cloudchat ---\n{self.server.log}\n--- nginx ---\n{self.nginx.access_log}{self.nginx.error_logs}"
            )
        self._running.close()

    def register(self, name: str) -> Account:
        """Register a user and sign in, through nginx."""
        return register_at(self.nginx, self.trust, name)

    def open_socket(
        self, token: str, *, source: str = "127.0.0.1", headers: Mapping[str, str] | None = None
    ) -> ChatSocket:
        """Open a socket through nginx. Raises `InvalidStatus` if the handshake is refused."""
        plain = socket.create_connection(self.nginx.https, timeout=10, source_address=(source, 0))
        try:
            return ChatSocket(f"wss://{DOMAIN}/ws", token, headers=headers, options={"sock": plain, "ssl": self.trust})
        except BaseException:
            plain.close()
            raise


def register_at(nginx: RunningNginx, trust: ssl.SSLContext, name: str) -> Account:
    """Register and sign in through nginx."""
    http = nginx.browser_like(trust)
    credentials = {"username": name, "password": PASSWORD}
    http.post("/api/auth/register", json=credentials).raise_for_status()
    body = http.post("/api/auth/login", json=credentials).raise_for_status().json()
    http.headers["Authorization"] = f"Bearer {body['access_token']}"
    return Account(ORIGIN, body["user"]["id"], body["user"]["name"], body["access_token"], PASSWORD, http)


def trusted_certificate(nginx: RunningNginx) -> ssl.SSLContext:
    """Give the site a certificate without certbot; return the TLS context that trusts it."""
    authority = Authority(nginx.root)
    authority.issue(nginx.live / DOMAIN, DOMAIN)
    return ssl.create_default_context(cafile=str(authority.path))


def _start_with_test_certificate(nginx: RunningNginx) -> ssl.SSLContext:
    trust = trusted_certificate(nginx)
    nginx.start(*SITES)
    return trust
