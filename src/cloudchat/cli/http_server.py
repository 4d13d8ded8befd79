"""uvicorn, as cloudchat runs it: in this process, or as several workers on one socket."""

import asyncio
import contextlib
import gc
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable, Generator
from types import FrameType
from typing import TYPE_CHECKING

from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from cloudchat.cli.listener import BACKLOG
from cloudchat.observability.logging import log_config
from cloudchat.process.loop_watchdog import watch_loop
from cloudchat.process.parent_death import die_with_parent
from cloudchat.process.sd_notify import ServiceNotifier
from cloudchat.protocol.events import Limits
from cloudchat.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

_SECONDS_TO_DRAIN = 5
_DRAINING = "Draining: sockets are told to come back"
_SECONDS_BLOCKED = 20  # a worker without an answer for so long is replaced; covers its imports on a slow machine
_SECONDS_TO_END = 7.0  # for workers, from the signal to SIGKILL


def server_config(settings: Settings, listener: socket.socket) -> Config:
    """How uvicorn is set. The application reads its own settings from the environment, in every worker."""
    from cloudchat.http.http_protocol import HttpProtocol
    from cloudchat.realtime.websocket_protocol import WebSocketProtocol

    return Config(
        "cloudchat.cli.http_server:create_worker_app"
        if settings.workers > 1
        else "cloudchat.app:create_app_from_environment",
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=Limits().frame_bytes,
        ws_per_message_deflate=False,  # 316 KiB a connection, and a bomb's fuse
        ws_ping_interval=settings.ping_seconds,
        ws_ping_timeout=settings.ping_seconds,
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=log_config(settings.log_level, settings.log_format_in_force),
        backlog=BACKLOG,
        proxy_headers=False,  # http/proxies.py says whom to believe
        timeout_graceful_shutdown=_SECONDS_TO_DRAIN,
        timeout_worker_healthcheck=_SECONDS_BLOCKED,
    )


def run_in_this_process(
    config: Config, listener: socket.socket, announce: Callable[[], None], service: ServiceNotifier
) -> int:
    """Serve until a signal; returns the exit code. `announce` is called once clients are answered."""
    _OneServer(config, announce, service).run(sockets=[listener])
    return 0


def run_workers(config: Config, listener: socket.socket, announce: Callable[[], None], service: ServiceNotifier) -> int:
    """The same with `config.workers` processes; one that dies, or that is blocked, is replaced."""
    workers = _Workers(config, listener, announce, service)
    workers.run()
    return 0 if workers.asked_to_stop else STARTUP_FAILURE


def create_worker_app() -> "FastAPI":
    """The application of a worker, which must not outlive the parent that keeps the store and takes the signals."""
    from cloudchat.app import create_app_from_environment

    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        die_with_parent(parent.pid)
    watch_loop(asyncio.get_running_loop(), _SECONDS_BLOCKED)
    app = create_app_from_environment()
    gc.freeze()
    return app


class _OneServer(Server):
    def __init__(self, config: Config, announce: Callable[[], None], service: ServiceNotifier) -> None:
        super().__init__(config)
        self._announce = announce
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()
            self._service.feed_watchdog_from(asyncio.get_running_loop())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.stopping(_DRAINING)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        with super().capture_signals():
            yield
            # uvicorn raises them once more afterwards, which would kill this process before the store has ended.
            self._captured_signals.clear()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # asked twice: stop waiting for sockets
            self.force_exit = True
        super().handle_exit(sig, frame)


class _Workers(Multiprocess):
    def __init__(
        self, config: Config, listener: socket.socket, announce: Callable[[], None], service: ServiceNotifier
    ) -> None:
        super().__init__(config, [listener])
        self._service = service
        self._announce: Callable[[], None] | None = announce
        self.asked_to_stop = False

    def keep_subprocess_alive(self) -> None:
        for process in self.processes:
            # As long as this process holds the worker's end of the pipe too, a question to a killed worker meets no
            # end of file and waits its whole 20 s, with nobody replaced.
            process.child_conn.close()
        super().keep_subprocess_alive()
        # Here every worker has answered, or has been replaced. Waiting for one takes less than a watchdog's patience;
        # when several in turn do not answer, replacing them is too little, and the whole service shall start anew.
        self._service.feed_watchdog()
        if self._announce is not None and all(process.is_ready(timeout=0.5) for process in self.processes):
            self._announce()
            self._announce = None

    def terminate_all(self) -> None:
        self._service.stopping(_DRAINING)
        super().terminate_all()

    def handle_int(self) -> None:
        self.asked_to_stop = True
        super().handle_int()

    def handle_term(self) -> None:
        self.asked_to_stop = True
        super().handle_term()

    def join_all(self) -> None:
        """Wait for the workers, but not for ever, and not after a second signal."""
        deadline = time.monotonic() + _SECONDS_TO_END
        self.signal_queue.clear()
        for process in self.processes:
            while process.process.is_alive():
                asked_again = any(number in (signal.SIGINT, signal.SIGTERM) for number in self.signal_queue)
                if asked_again or time.monotonic() > deadline:
                    process.process.kill()
                process.process.join(0.1)
