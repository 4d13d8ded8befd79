"""One run of the embedded store: its settings, its start, and what it says when it can't."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudchat.broker.embedded.errors import StoreStartError
from cloudchat.process.parent_death import die_with_parent

_LOG_BYTES = 1 << 20
_SECONDS_TO_LISTEN = 30.0  # for the first answer; reading a long log afterwards may take longer

_NOISE = re.compile(r"signal-handler|ready to exit|overcommit|WARNING|Server initialized|User requested")


def spawn(binary: Path, folder: Path, socket: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start the store as a child that inherits `lock` and dies with the calling *thread*. Raises StoreStartError.

    The settings are what the broker's guarantee rests on: `appendfsync always`, so that an answer means stored;
    `noeviction`, so that no message ever makes room for another; no RDB preamble, so that any version can read the log.
    """
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "pidfile": str(folder / "store.pid"),
        "logfile": str(_log_file(folder)),
        "loglevel": "warning",
        "daemonize": "no",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-use-rdb-preamble": "no",
        "aof-load-truncated": "yes",  # a crash may tear the last, never acknowledged write
        "maxmemory-policy": "noeviction",
        "lazyfree-lazy-expire": "yes",
    }
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    parent = os.getpid()

    try:
        return subprocess.Popen(  # noqa: S603
            [binary, *arguments],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},  # none of our secrets
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
            preexec_fn=partial(die_with_parent, parent),  # by SIGKILL: after fsync there is nothing to lose
            start_new_session=True,  # Ctrl-C in the terminal must not reach it before the server has drained
            umask=0o077,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreStartError(
            f"{binary} can't be run ({error}): mend or remove it, or set CLOUDCHAT_REDIS_URL"
        ) from error


def wait_until_ready(
    process: subprocess.Popen[bytes], binary: Path, folder: Path, socket: Path, gave_up: Callable[[], bool]
) -> None:
    """Return once the store answers with its data loaded, or once `gave_up()`. Raises StoreStartError."""
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))
    deadline = time.monotonic() + _SECONDS_TO_LISTEN
    try:
        while process.poll() is None and not gave_up():
            try:
                client.ping()
            except redis.BusyLoadingError:
                deadline = time.monotonic() + _SECONDS_TO_LISTEN
            except redis.RedisError as error:
                if time.monotonic() > deadline:
                    log = folder / "store.log"
                    raise StoreStartError(f"the store does not answer on {socket} ({error}): see {log}") from error
            else:
                return
            time.sleep(0.01)
    finally:
        client.close()
    if not gave_up():
        raise StoreStartError(_why_it_ended(process, binary, folder))


def _log_file(folder: Path) -> Path:
    """The store's log. At the warning level it grows by a few lines a start; the one before is kept, no more."""
    log = folder / "store.log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(folder / "store.log.1")
    return log


def _why_it_ended(process: subprocess.Popen[bytes], binary: Path, folder: Path) -> str:
    log = folder / "store.log"
    said = "it said nothing"
    if log.exists():
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16384))
            lines = file.read().decode(errors="replace").splitlines()
        own = [line.partition(" # ")[2] for line in lines if line.startswith(f"{process.pid}:")]
        said = next((f"“{line.strip()}”" for line in reversed(own) if line and not _NOISE.search(line)), said)
    mend = f"see {log}"
    if "append only file" in said or "AOF" in said:
        manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
        mend = (
            f"copy {folder} elsewhere, then cut off the damaged part with "
            f"(exec -a redis-check-aof {binary} --fix {manifest}), "
            f"or move {folder} away to begin with empty rooms"
        )
    return f"the store ended with code {process.returncode}, {said}: {mend}"
