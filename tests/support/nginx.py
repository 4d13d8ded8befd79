"""`RunningNginx`: Debian's nginx with the files of config/nginx, on free ports, below a temporary directory.

Only these parts of the files are changed: the domain, as by the installer; absolute paths, which move below that
directory; ports, which become free ports on loopback; and, if a test needs it, single `values` and the `instances`.
"""

import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cloudchat.page.build import build_page, read_directory, write_directory
from support import processes
from support.server import free_port

CHECKOUT = Path(__file__).parents[2]
CONFIG = CHECKOUT / "config" / "nginx"
NGINX = Path("/usr/sbin/nginx")
DOMAIN = "chat.example.test"
ORIGIN = f"https://{DOMAIN}"

_MOVED_PATHS = re.compile(r"(?<![\w$.])/(?=(?:run|var|opt|etc/letsencrypt)/)")
_TEMP_PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class RunningNginx:
    """An nginx with its own root directory. Use as a context manager, and `start` it with the sites to enable."""

    def __init__(self, *, values: Mapping[str, str] | None = None, instances: Iterable[str] = ()) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="cc-nginx-", dir="/tmp"))
        self.root.chmod(0o755)  # root starts nginx, but its workers run as www-data
        self.http_port = free_port()
        self.https_port = free_port()
        self._values = dict(values or {})
        self._instances = list(instances)
        self._process: subprocess.Popen[bytes] | None = None
        self._clients = ExitStack()
        self._etc = self.root / "etc" / "nginx"

    # -- paths and addresses --

    @property
    def socket_path(self) -> Path:
        """The socket on which the site expects cloudchat."""
        return self.root / "run" / "cloudchat" / "cloudchat.sock"

    @property
    def live(self) -> Path:
        return self.root / "etc" / "letsencrypt" / "live"

    @property
    def https(self) -> tuple[str, int]:
        return "127.0.0.1", self.https_port

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def access_log(self) -> str:
        return self._log("cloudchat-access.log")

    @property
    def error_logs(self) -> str:
        return self._log("cloudchat-error.log") + self._log("error.log") + self._log("start.log")

    def workers(self, *, old: bool = False) -> list[int]:
        """Return the worker processes that accept connections, or with `old` those that are shutting down."""
        lines = {pid: processes.command_line(pid) for pid in processes.children_of(self.pid)}
        return [pid for pid, line in lines.items() if "worker" in line and ("shutting down" in line) is old]

    # -- start and stop --

    def start(self, *sites: str) -> Self:
        included = ("snippets", "cloudchat")
        directories = ["run/cloudchat", "var/log/nginx", "var/www/certbot", "tmp"]
        for directory in [*directories, *(f"etc/nginx/{name}" for name in included)]:
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        (self._etc / "sites-enabled").mkdir()
        self.publish({})
        for path in [CONFIG / "nginx.conf", *(path for name in included for path in (CONFIG / name).iterdir())]:
            (self._etc / path.relative_to(CONFIG)).write_text(self._rendered(path))
        temporary = "".join(f"{name}_temp_path {self.root}/tmp/{name};\n" for name in _TEMP_PATHS)
        (self._etc / "sites-enabled" / "00-temporary.conf").write_text(temporary)
        program = self.root / "bin" / "nginx"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {" ".join(self.command())} "$@"\n')
        program.chmod(0o755)
        self.enable(*sites)
        self._process = subprocess.Popen(
            self.command("-g", "daemon off;"), stdin=subprocess.DEVNULL, start_new_session=True
        )
        processes.wait_until(self._serves, "nginx starts")
        return self

    def publish(self, changes: Mapping[str, tuple[str, str]]) -> None:
        """Install the page as the installer does, with a text replaced in some files: path → (old, new)."""
        files = read_directory(CHECKOUT / "frontend")
        for path, (old, new) in changes.items():
            files[path] = files[path].replace(old.encode(), new.encode(), 1)
        folder = self.root / "opt" / "cloudchat" / "current" / "frontend"
        shutil.rmtree(folder, ignore_errors=True)
        write_directory(build_page(files), folder)

    def command(self, *arguments: str) -> list[str]:
        return [str(NGINX), "-e", f"{self.root}/var/log/nginx/start.log", "-c", f"{self._etc}/nginx.conf", *arguments]

    def enable(self, *sites: str) -> None:
        for site in sites:
            (self._etc / "sites-enabled" / site).write_text(self._rendered(CONFIG / site))

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False, timeout=20)

    def reload(self) -> None:
        """Run `nginx -s reload` and wait for the new workers, because nginx does not."""
        before = set(self.workers())
        assert self.run("-s", "reload").returncode == 0, self.error_logs
        self.wait_for_new_workers(before)

    def wait_for_new_workers(self, before: Iterable[int]) -> None:
        old = set(before)
        processes.wait_until(
            lambda: (now := set(self.workers())) and not now & old, f"new workers; {self.error_logs}", seconds=10
        )

    def close(self) -> None:
        self._clients.close()
        if self._process is not None:
            started = {pid: processes.start_time(pid) for pid in processes.children_of(self.pid)}
            processes.stop(self._process)
            for pid, start in started.items():
                processes.end(pid, start)
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            print(f"--- nginx ---\n{self.access_log}{self.error_logs}")
        self.close()

    # -- clients --

    def browser_like(self, trust: ssl.SSLContext, source: str = "127.0.0.1") -> httpx.Client:
        """Return an HTTP client that connects to our ports for the domain, from the address `source`."""
        transport = _LocalTransport(self, verify=trust, local_address=source)
        return self._clients.enter_context(httpx.Client(transport=transport, base_url=ORIGIN, timeout=20))

    def socket_options(self, trust: ssl.SSLContext) -> dict[str, Any]:
        """Return the options with which `websockets.connect` or `ChatClient` opens `wss://DOMAIN/ws`."""
        return {"host": "127.0.0.1", "port": self.https_port, "ssl": trust, "proxy": None}

    def connect(self, trust: ssl.SSLContext, source: str = "127.0.0.1") -> ssl.SSLSocket:
        """Open a TLS connection to the site from the address `source`."""
        plain = socket.create_connection(self.https, timeout=10, source_address=(source, 0))
        return trust.wrap_socket(plain, server_hostname=DOMAIN)

    # -- internal --

    def _rendered(self, path: Path) -> str:
        text = path.read_text().replace("chat.example.com", DOMAIN)
        text = _MOVED_PATHS.sub(f"{self.root}/", text)
        for port, free in (("80", self.http_port), ("443", self.https_port)):
            text = re.sub(rf"(?m)^(\s*listen) {port}\b", rf"\1 127.0.0.1:{free}", text)
            text = re.sub(rf"(?m)^(\s*listen) \[::\]:{port}\b", rf"\1 [::1]:{free}", text)
        if not Path("/proc/net/if_inet6").exists():
            text = re.sub(r"(?m)^\s*listen \[.*\n", "", text)
        for name, value in self._values.items():
            text = re.sub(rf"(?m)^(\s*{name}) [^;]*;", rf"\1 {value};", text)
        if self._instances and (one := re.search(r"(?m)^    server unix:\S+(.*\n)", text)):
            text = text.replace(one[0], "".join(f"    server {address}{one[1]}" for address in self._instances))
        return text

    def _serves(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"nginx did not start: {self.error_logs}"
        return bool(self.workers())

    def _log(self, name: str) -> str:
        path = self.root / "var" / "log" / "nginx" / name
        return path.read_text(errors="replace") if path.exists() else ""


class _LocalTransport(httpx.HTTPTransport):
    """Connect to nginx's ports on loopback. TLS and `Host` keep the name of the domain."""

    def __init__(self, nginx: RunningNginx, **options: Any) -> None:
        super().__init__(**options)
        self._ports = {"https": nginx.https_port, "http": nginx.http_port}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        request.extensions = {"sni_hostname": name, **request.extensions}
        request.url = request.url.copy_with(host="127.0.0.1", port=self._ports[request.url.scheme])
        return super().handle_request(request)
