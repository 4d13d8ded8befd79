"""`cloudchat serve`: everything that runs is started in an order that can stop at each step, and ended in reverse."""

import argparse
import contextlib
import faulthandler
import gc
import logging.config
import os
import resource
import signal
import socket
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from pydantic import SecretStr

from cloudchat import __version__
from cloudchat.cli.errors import CommandError

if TYPE_CHECKING:
    from cloudchat.process.sd_notify import ServiceNotification
    from cloudchat.settings import Settings

# How long each step of the start may take before a service manager that waits for it gives up.
_SECONDS_FOR_STORE = 300  # reading a long log
_SECONDS_FOR_MIGRATIONS = 1800  # rewriting a large table
_SECONDS_FOR_SERVER = 60

_EPILOG = """\
Without any setting it serves page, API and sockets on http://127.0.0.1:8000 and keeps everything in ./var.

  cloudchat serve                                  try it out
  cloudchat serve --port 0                         on any free port
  cloudchat serve --host 0.0.0.0 --workers 4       for everybody, on four cores (put TLS in front)
  CLOUDCHAT_REDIS_URL=redis://… cloudchat serve    with a store of your own, which several servers may share

Each option has a variable: CLOUDCHAT_HOST, CLOUDCHAT_PORT, CLOUDCHAT_WORKERS; the others, such as
CLOUDCHAT_STATE_DIR, CLOUDCHAT_REGISTRATION (open, invite, closed) and CLOUDCHAT_ALLOWED_ORIGINS,
are listed in config/cloudchat.env.example. Ctrl-C or SIGTERM stops it; a second one stops it without waiting.
"""


def register_serve_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `serve` to the command line."""
    parser = commands.add_parser(
        "serve",
        help="run the server",
        description="Run the server, and with it, unless CLOUDCHAT_REDIS_URL names one, its own store.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 picks a free one (default 8000)")
    parser.add_argument("--workers", type=int, help="processes that share the port (default 1)")
    parser.add_argument(
        "--fd", type=int, metavar="N", help="listen on the inherited socket N (a socket of systemd's is found without)"
    )
    parser.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Run the server until it is told to stop; returns the exit code. Raises CommandError."""
    from cloudchat.cli.environment import export, load_settings
    from cloudchat.cli.listener import descriptor_to_inherit
    from cloudchat.observability.logging import log_config
    from cloudchat.process.sd_notify import ServiceNotification

    service = ServiceNotification.from_environment(os.environ, os.getpid())
    if service.watchdog_seconds is not None:
        faulthandler.enable()  # the watchdog ends us by SIGABRT: then the log says where the loop was blocked
    descriptor = descriptor_to_inherit(options.fd, os.environ, os.getpid())
    gc.disable()  # of the thousand objects a second that imports make, none is garbage: a quarter of a second saved
    settings = load_settings(host=options.host, port=options.port, workers=options.workers)
    _check_extras(settings)
    logging.config.dictConfig(log_config(settings.log_level, settings.log_format_in_force))
    _allow_all_files()
    with contextlib.ExitStack() as running:
        _stop_cleanly_on_signals()
        settings, listener = _take_place(settings, descriptor, running)
        service.starting("the store", _SECONDS_FOR_STORE)
        settings = _start_store(settings, running)
        service.starting("the database", _SECONDS_FOR_MIGRATIONS)
        _prepare_data(settings)
        export(settings)
        service.starting("the server", _SECONDS_FOR_SERVER)
        code = _serve(settings, listener, service)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # only the store is left to end, and that is bounded
    return code


def _allow_all_files() -> None:
    """Each socket is an open file, and shells allow 1,024: take what the system would give us on request."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != most:  # in systemd's sandbox they are the same, and the call may be forbidden
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _check_extras(settings: "Settings") -> None:
    """What was asked for must be installed: now, and not when the first worker dies of it."""
    if not settings.trace_ratio:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: F401
    except ModuleNotFoundError as error:
        raise CommandError(
            "CLOUDCHAT_TRACE_RATIO needs OpenTelemetry; in cloudchat's checkout: pip install '.[otel]'"
        ) from error


def _stop_cleanly_on_signals() -> None:
    """Until uvicorn listens to them, signals must unwind what has been started, and not just end the process."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _take_place(
    settings: "Settings", descriptor: int | None, running: contextlib.ExitStack
) -> "tuple[Settings, socket.socket]":
    """State folder and socket, which only one server can have. Returns the settings with their real values."""
    from cloudchat.cli.listener import address_of, inherit_listener, open_listener
    from cloudchat.cli.state_folder import lock_state_folder, prepare_state_folder

    folder = prepare_state_folder(settings.state_dir)
    running.callback(os.close, lock_state_folder(folder))
    if descriptor is None:
        listener = running.enter_context(open_listener(settings.host, settings.port))
        real = {"port": listener.getsockname()[1]}
    else:
        # Who can reach us is what the socket says, not the setting: by that, strangers may register or not.
        listener = running.enter_context(inherit_listener(descriptor))
        host, port = address_of(listener)
        real = {"host": host or "inherited socket", "port": settings.port if port is None else port}
    return settings.model_copy(update={"state_dir": folder, **real}), listener


def _start_store(settings: "Settings", running: contextlib.ExitStack) -> "Settings":
    """The embedded store, or a look at the one that the settings name."""
    from cloudchat.broker.embedded.server import EmbeddedServer, StoreStartError, find_server_binary
    from cloudchat.cli.errors import warn
    from cloudchat.doctor.store_check import StoreUnusable, check_store

    try:
        if settings.redis_url is not None:
            for warning in check_store(settings.redis_url.get_secret_value()):
                warn(warning)
            return settings
        store = EmbeddedServer(settings.state_dir / "store", find_server_binary())
        running.callback(store.stop)
        store.start()
    except (StoreStartError, StoreUnusable) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"the store's folder {settings.state_dir}/store can't be used ({error}): mend its rights"
        ) from error
    return settings.model_copy(update={"redis_url": SecretStr(store.url)})


def _prepare_data(settings: "Settings") -> None:
    """Tables, keys, the first administrator: whatever a first start, or a new version, has to make."""
    from cloudchat.auth.bootstrap import FIRST_ADMIN, bootstrap
    from cloudchat.auth.tokens.keys import KeyFolderError
    from cloudchat.database.migrations import MigrationError, upgrade
    from cloudchat.database.transactions import DatabaseUnavailable
    from cloudchat.database.urls import DatabaseUrlError

    try:
        upgrade(settings.database.get_secret_value())
        password = bootstrap(settings)
    except (DatabaseUrlError, DatabaseUnavailable, KeyFolderError, MigrationError) as error:
        raise CommandError(str(error)) from error
    if password is not None:  # at once: should a later step fail, it would never be seen again
        _say(f"\n  First start. Sign in as {FIRST_ADMIN!r}, and choose a password of your own, with the\n")
        _say(f"      one-time password: {password}\n\n  It is shown only now.")


def _serve(settings: "Settings", listener: socket.socket, service: "ServiceNotification") -> int:
    from cloudchat.cli.http_server import run_in_this_process, run_workers, server_config
    from cloudchat.cli.listener import address_of, url_of

    host, port = address_of(listener)
    place = f"at {url_of(settings.host, port)}" if port is not None else f"on the socket {host or 'it inherited'}"

    def announce() -> None:
        gc.freeze()  # what is here now stays: no later collection looks at it, which keeps its pauses short
        gc.enable()
        service.ready(f"Open {place}")
        _say(f"\n  cloudchat {__version__} is open {place}")
        _say(f"  It keeps everything in {settings.state_dir}. Ctrl-C stops it.\n")

    config = server_config(settings, listener)
    run = run_workers if settings.workers > 1 else run_in_this_process
    return run(config, listener, announce, service)


def _say(text: str) -> None:
    print(text, flush=True)
