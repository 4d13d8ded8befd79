"""Run uvicorn with cloudchat's configuration: in this process, or as several workers on one socket."""

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

import uvicorn._subprocess
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from cloudchat.cli.serving.listener import BACKLOG
from cloudchat.observability.logging import log_config
from cloudchat.process.allocator import return_free_memory
from cloudchat.process.loop_watchdog import watch_loop
from cloudchat.process.parent_death import die_with_parent
from cloudchat.process.sd_notify import ServiceNotifier
from cloudchat.protocol.events import Limits
from cloudchat.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

DRAIN_TIMEOUT_SECONDS = 5
BLOCKED_TIMEOUT_SECONDS = 20
"""A worker that does not answer for this long is replaced. It covers a worker's imports on a slow machine."""
STOP_TIMEOUT_SECONDS = 7.0
"""From the signal to SIGKILL of a worker."""
_READY_TIMEOUT_SECONDS = 0.5
_DRAINING = "Draining: clients are asked to reconnect"


def server_config(settings: Settings) -> Config:
    """Return uvicorn's configuration. In every worker the application loads its settings from the environment."""
    return Config(
        "cloudchat.cli.serving.http_server:create_worker_app"
        if settings.workers > 1
        else "cloudchat.app.application:create_app_from_environment",
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http="cloudchat.http.http_protocol:HttpProtocol",  # names, because the parent of workers does not need them
        ws="cloudchat.realtime.transport.websocket_protocol:WebSocketProtocol",
        ws_max_size=Limits().frame_bytes,
        ws_per_message_deflate=False,  # costs 316 KiB per connection, and allows decompression bombs
        ws_ping_interval=settings.ping_seconds,
        ws_ping_timeout=settings.ping_seconds,
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=log_config(settings.log_level, settings.log_format_in_force),
        backlog=BACKLOG,
        proxy_headers=False,  # http/middleware/proxies.py decides which proxies are trusted
        timeout_graceful_shutdown=DRAIN_TIMEOUT_SECONDS,
        timeout_worker_healthcheck=BLOCKED_TIMEOUT_SECONDS,
    )


def run_in_this_process(
    config: Config, listener: socket.socket, announce: Callable[[], None], service: ServiceNotifier
) -> int:
    """Serve until a signal. Return the exit code. `announce` is called when clients get responses."""
    _SingleServer(config, announce, service).run(sockets=[listener])
    return 0


def run_workers(config: Config, listener: socket.socket, announce: Callable[[], None], service: ServiceNotifier) -> int:
    """Serve with `config.workers` processes until a signal. A worker that ends or is blocked is replaced."""
    multiprocessing.set_forkserver_preload(["cloudchat.cli.serving.fork_server"])
    # uvicorn would start an interpreter for each worker, which shares no memory with the others.
    uvicorn._subprocess.spawn = multiprocessing.get_context("forkserver")  # type: ignore[assignment]
    workers = _Workers(config, listener, announce, service)
    workers.run()
    return 0 if workers.stop_requested else STARTUP_FAILURE


def create_worker_app() -> "FastAPI":
    """Create the application of a worker. It ends with the fork server, which ends with the parent of all."""
    from cloudchat.app.application import create_app_from_environment
    from cloudchat.cli.serving import fork_server

    die_with_parent(fork_server.PID)
    watch_loop(asyncio.get_running_loop(), BLOCKED_TIMEOUT_SECONDS)
    app = create_app_from_environment()
    settle_memory()
    return app


def settle_memory() -> None:
    """Tune the memory of a process that has started.

    Later collections skip the objects that exist now, which keeps their pauses short, and come less often than Python's
    default. A handshake makes hundreds of objects that are in reference cycles for a while: with the default of 700 new
    objects, collections took a tenth of its CPU time.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
    return_free_memory()


class _SingleServer(Server):
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
            # uvicorn raises the signals again afterwards, which would kill this process before the store has ended.
            self._captured_signals.clear()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # the second signal: do not wait for open connections
            self.force_exit = True
        super().handle_exit(sig, frame)


class _Workers(Multiprocess):
    def __init__(
        self, config: Config, listener: socket.socket, announce: Callable[[], None], service: ServiceNotifier
    ) -> None:
        super().__init__(config, [listener])
        self._service = service
        self._announce: Callable[[], None] | None = announce
        self.stop_requested = False

    def keep_subprocess_alive(self) -> None:
        for process in self.processes:
            # While this process also holds the worker's end of the pipe, a health check of a killed worker gets no end
            # of file and waits its whole 20 s, and no worker is replaced during that time.
            process.child_conn.close()
        super().keep_subprocess_alive()
        # Here every worker has answered or has been replaced. Waiting for one worker takes less time than the watchdog
        # allows. If several in a row do not answer, replacing them is not enough, and the whole service must restart.
        self._service.feed_watchdog()
        if self._announce is not None and all(p.is_ready(timeout=_READY_TIMEOUT_SECONDS) for p in self.processes):
            self._announce()
            self._announce = None

    def terminate_all(self) -> None:
        self._service.stopping(_DRAINING)
        super().terminate_all()

    def handle_int(self) -> None:
        self.stop_requested = True
        super().handle_int()

    def handle_term(self) -> None:
        self.stop_requested = True
        super().handle_term()

    def join_all(self) -> None:
        """Wait for the workers. Kill them after a second signal or after STOP_TIMEOUT_SECONDS."""
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        self.signal_queue.clear()
        for process in self.processes:
            while process.process.is_alive():
                second_signal = any(number in (signal.SIGINT, signal.SIGTERM) for number in self.signal_queue)
                if second_signal or time.monotonic() > deadline:
                    process.process.kill()
                process.process.join(0.1)
