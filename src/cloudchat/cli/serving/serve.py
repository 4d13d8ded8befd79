"""`cloudchat serve`: start all parts in order, and stop them in reverse order, also when a step fails."""

import argparse
import contextlib
import faulthandler
import gc
import os
import resource
import signal
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import cloudchat
from cloudchat.cli.errors import CommandError, warn

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from cloudchat.broker.embedded.server import EmbeddedServer
    from cloudchat.process.sd_notify import ServiceNotifier
    from cloudchat.settings import Settings

# The time that the service manager allows for each step of the start.
STORE_START_SECONDS = 300  # reading a long log
MIGRATION_SECONDS = 1800  # rewriting a large table
SERVER_START_SECONDS = 60

_EPILOG = """\
Without any setting it serves page, API and sockets on http://127.0.0.1:8000, and stores its state in ./var.

  cloudchat serve                                  try it out
  cloudchat serve --port 0                         on any free port
  cloudchat serve --host 0.0.0.0 --workers 4       for other machines, on four cores (with TLS in front, and its
                                                   address in CLOUDCHAT_ALLOWED_ORIGINS)
  CLOUDCHAT_REDIS_URL=redis://… cloudchat serve    with your own store, which several servers can share

Each option has a variable: CLOUDCHAT_HOST, CLOUDCHAT_PORT, CLOUDCHAT_WORKERS. All other settings, such as
CLOUDCHAT_STATE_DIR, CLOUDCHAT_REGISTRATION (open, invite, closed) and CLOUDCHAT_ALLOWED_ORIGINS, are variables
only: see config/cloudchat.env.example. Ctrl-C or SIGTERM stops the server; a second one stops it without waiting.
"""


def register_serve_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `serve` to the parser."""
    parser = commands.add_parser(
        "serve",
        help="run the server",
        description="Run the server. Without CLOUDCHAT_REDIS_URL it also runs an embedded store.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 picks a free one (default 8000)")
    parser.add_argument("--workers", type=int, help="processes that share the port (default 1)")
    parser.add_argument(
        "--fd", type=int, metavar="N", help="listen on the inherited socket N (not needed for a socket of systemd)"
    )
    parser.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Run the server until a signal. Return the exit code. Raises CommandError."""
    gc.disable()  # imports make many objects and no garbage: this saves a quarter of a second
    import logging.config

    from cloudchat.auth.bootstrap import FIRST_ADMIN
    from cloudchat.cli.environment import export, load_settings
    from cloudchat.cli.init import prepare_data
    from cloudchat.cli.server_record import remove_server_record, write_server_record
    from cloudchat.cli.serving.listener import descriptor_to_inherit
    from cloudchat.observability.logging import log_config
    from cloudchat.process.sd_notify import ServiceNotifier

    service = ServiceNotifier.from_environment(os.environ, os.getpid())
    if service.watchdog_seconds is not None:
        faulthandler.enable()  # the watchdog sends SIGABRT: then the log shows where the loop was blocked
    descriptor = descriptor_to_inherit(options.fd, os.environ, os.getpid())
    settings = load_settings(host=options.host, port=options.port, workers=options.workers)
    _check_extras(settings)
    logging.config.dictConfig(log_config(settings.log_level, settings.log_format_in_force))
    _raise_open_files_limit()
    with contextlib.ExitStack() as running:
        _unwind_on_signals()
        set_by_operator = set(settings.model_fields_set)
        settings, listener = _acquire_state_and_socket(settings, descriptor, running)
        running.callback(remove_server_record, settings.state_dir)
        write_server_record(settings, set_by_operator)
        service.starting("the store", STORE_START_SECONDS)
        settings, store = _start_store(settings, running)
        _load_server(settings.workers)
        if store is not None:
            _wait_for_store(store, settings)
        service.starting("the database", MIGRATION_SECONDS)
        password = prepare_data(settings)
        if password is not None:  # printed at once: if a later step failed, it would be lost
            _print(f"\n  First start. Sign in as {FIRST_ADMIN!r} and choose a new password.\n")
            _print(f"      one-time password: {password}\n\n  It is not shown again.")
        export(settings)
        service.starting("the server", SERVER_START_SECONDS)
        code = _serve(settings, listener, service)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # only the store must still end, and that has a timeout
    return code


def _raise_open_files_limit() -> None:
    """Raise the soft limit to the hard one: each socket is an open file, and shells allow 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:  # in systemd's sandbox they are equal, and the call can be forbidden
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_extras(settings: "Settings") -> None:
    """Raise CommandError if a setting needs an extra that is not installed, before a worker fails because of it."""
    if not settings.trace_ratio:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: F401
    except ModuleNotFoundError as error:
        raise CommandError(
            "CLOUDCHAT_TRACE_RATIO needs OpenTelemetry; in cloudchat's checkout: pip install '.[otel]'"
        ) from error


def _unwind_on_signals() -> None:
    """Until uvicorn handles signals, let them stop the started parts instead of ending the process."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _acquire_state_and_socket(
    settings: "Settings", descriptor: int | None, running: contextlib.ExitStack
) -> "tuple[Settings, socket.socket]":
    """Lock the state directory and open the socket, for one server only. Return the settings with actual values."""
    from cloudchat.cli.serving.listener import address_of, inherit_listener, open_listener
    from cloudchat.cli.state_folder import lock_state_folder, prepare_state_folder

    folder = prepare_state_folder(settings.state_dir)
    running.callback(os.close, lock_state_folder(folder))
    if descriptor is None:
        listener = running.enter_context(open_listener(settings.host, settings.port))
        actual: dict[str, object] = {"port": listener.getsockname()[1]}
    else:
        # The socket, and not the setting, decides who can reach the server, and so who may register.
        listener = running.enter_context(inherit_listener(descriptor))
        host, port = address_of(listener)
        actual = {"host": host or "inherited socket", "port": settings.port if port is None else port}
    return settings.model_copy(update={"state_dir": folder, **actual}), listener


def _start_store(settings: "Settings", running: contextlib.ExitStack) -> "tuple[Settings, EmbeddedServer | None]":
    """Start the embedded store, or check the configured one. Return the settings with the URL of the store.

    The embedded store loads its data until `_wait_for_store`; meanwhile `_load_server` imports the server.
    """
    from pydantic import SecretStr

    from cloudchat.broker.embedded.binary import find_server_binary
    from cloudchat.broker.embedded.server import EmbeddedServer
    from cloudchat.doctor.store_requirements import StoreUnusable, check_requirements

    if settings.redis_url is not None:
        try:
            for warning in check_requirements(settings.redis_url.get_secret_value()):
                warn(warning)
        except StoreUnusable as error:
            raise CommandError(str(error)) from error
        return settings, None
    with _explained_store_errors(settings):
        store = EmbeddedServer(settings.state_dir / "store", find_server_binary())
        running.callback(store.stop)
        store.start()
        return settings.model_copy(update={"redis_url": SecretStr(store.url)}), store


def _wait_for_store(store: "EmbeddedServer", settings: "Settings") -> None:
    with _explained_store_errors(settings):
        store.wait_until_ready()


@contextlib.contextmanager
def _explained_store_errors(settings: "Settings") -> "Iterator[None]":
    from cloudchat.broker.embedded import StoreStartError

    try:
        yield
    except StoreStartError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"the store's directory {settings.state_dir}/store cannot be used ({error}): fix its permissions"
        ) from error


def _load_server(workers: int) -> None:
    """Import the server. Workers get the application from their fork server."""
    import cloudchat.cli.serving.http_server

    if workers == 1:
        import cloudchat.app.application
        import cloudchat.http.http_protocol
        import cloudchat.realtime.transport.websocket_protocol  # noqa: F401


def _serve(settings: "Settings", listener: "socket.socket", service: "ServiceNotifier") -> int:
    from cloudchat.cli.serving.announcement import address_to_open, sign_in_advice
    from cloudchat.cli.serving.http_server import run_in_this_process, run_workers, server_config, settle_memory
    from cloudchat.cli.serving.listener import address_of
    from cloudchat.core.origin import unencrypted_problem

    path, port = address_of(listener)
    url = address_to_open(settings) if port is not None else None
    address = f"on the socket {path or 'it inherited'}" if url is None else f"at {url}"
    advice = sign_in_advice(settings, url)
    if (problem := unencrypted_problem(settings.origins)) is not None:
        warn(problem)

    def announce() -> None:
        settle_memory()
        service.ready(f"Open {address}")
        _print(f"\n  cloudchat {cloudchat.__version__} is open {address}")
        if advice is not None:
            _print(f"  {advice}")
        _print(f"  Its state is in {settings.state_dir}. Ctrl-C stops it.\n")

    config = server_config(settings)
    run = run_workers if settings.workers > 1 else run_in_this_process
    return run(config, listener, announce, service)


def _print(text: str) -> None:
    with contextlib.suppress(OSError):  # a server outlives the reader of its output
        print(text, flush=True)
