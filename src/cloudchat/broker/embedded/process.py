"""One run of the embedded store: its settings, its start, and the reason if it ends early."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import hiredis

from cloudchat.broker.blocking_connection import BlockingConnection
from cloudchat.broker.embedded import StoreStartError
from cloudchat.broker.store_url import StoreUrl
from cloudchat.process.parent_death import die_with_parent

MAX_LOG_BYTES = 1 << 20
READY_SECONDS = 30.0
"""Time limit for the first answer. Loading a long log after that may take longer."""
ANSWER_SECONDS = 5.0

_IRRELEVANT_LINE = re.compile(r"signal-handler|ready to exit|overcommit|WARNING|Server initialized|User requested")


def spawn(binary: Path, data_dir: Path, socket: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start the store as a child process that inherits `lock` and is killed when the calling *thread* ends.

    The broker's guarantee depends on these settings: `appendfsync always`, so that an answer means stored;
    `noeviction`, so that no message is deleted to free memory; no RDB preamble, so that every version can read the log.
    Raises StoreStartError.
    """
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "pidfile": str(data_dir / "store.pid"),
        "logfile": str(_rotate_log(data_dir)),
        "loglevel": "warning",
        "daemonize": "no",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-use-rdb-preamble": "no",
        "aof-load-truncated": "yes",  # a crash may truncate the last write, which was never acknowledged
        "maxmemory-policy": "noeviction",
        "lazyfree-lazy-expire": "yes",
    }
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    # A store that is emptied under running servers could assign numbers of events twice (decisions/0034). By an access
    # rule: with `rename-command`, a store would not load a log that has one of these commands.
    arguments += ["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-flushall", "-flushdb"]
    parent = os.getpid()

    try:
        return subprocess.Popen(  # noqa: S603
            [binary, *arguments],
            cwd=data_dir,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},  # no secret of the server's environment
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
            preexec_fn=partial(die_with_parent, parent),  # by SIGKILL: everything acknowledged is fsynced
            start_new_session=True,  # Ctrl-C in the terminal must not stop the store before the server has drained
            umask=0o077,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreStartError(
            f"{binary} cannot be run ({error}): repair or remove it, or set CLOUDCHAT_REDIS_URL"
        ) from error


def wait_until_ready(
    process: subprocess.Popen[bytes], binary: Path, data_dir: Path, socket: Path, should_stop: Callable[[], bool]
) -> None:
    """Wait until the store answers with its data loaded, or until `should_stop()`. Raises StoreStartError."""
    url = StoreUrl(path=str(socket))
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and not should_stop():
        try:
            BlockingConnection(url, seconds=ANSWER_SECONDS).close()
        except (hiredis.ReplyError, OSError) as error:
            if str(error).startswith("LOADING"):
                deadline = time.monotonic() + READY_SECONDS
            elif time.monotonic() > deadline:
                log = data_dir / "store.log"
                raise StoreStartError(f"the store does not answer on {socket} ({error}): see {log}") from error
        else:
            return
        time.sleep(0.01)
    if not should_stop():
        raise StoreStartError(_describe_exit(process, binary, data_dir))


def _rotate_log(data_dir: Path) -> Path:
    """Return the path of the store's log, which grows by a few lines with each start. One older file is retained."""
    log = data_dir / "store.log"
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(data_dir / "store.log.1")
    return log


def _describe_exit(process: subprocess.Popen[bytes], binary: Path, data_dir: Path) -> str:
    """Return why the store ended, from the last relevant line of its log, and what to do."""
    log = data_dir / "store.log"
    message = "without a message"
    if log.exists():
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16384))
            lines = file.read().decode(errors="replace").splitlines()
        own_lines = [line.partition(" # ")[2] for line in lines if line.startswith(f"{process.pid}:")]
        relevant = (line.strip() for line in reversed(own_lines) if line and not _IRRELEVANT_LINE.search(line))
        message = next((f"with the message “{line}”" for line in relevant), message)
    advice = f"see {log}"
    if "append only file" in message or "AOF" in message:
        manifest = data_dir / "appendonlydir" / "appendonly.aof.manifest"
        advice = (
            f"copy {data_dir} elsewhere, then cut off the damaged part with "
            f"(exec -a redis-check-aof {binary} --fix {manifest}), "
            f"or move {data_dir} away to start with empty rooms"
        )
    return f"the store ended with code {process.returncode} {message}: {advice}"
