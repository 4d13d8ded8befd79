"""The checks of the store, embedded or at CLOUDCHAT_REDIS_URL: requirements, latency, log, memory, clock."""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
from msgspec import Struct

from cloudchat.broker import keys
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.redis_functions import WRITE_PROBE
from cloudchat.broker.connections.sync_client import open_client
from cloudchat.broker.embedded.data_dir_lock import socket_path, socket_url
from cloudchat.doctor.check_result import CheckResult, check_clock, clock_offset
from cloudchat.doctor.files import MIN_FREE_BYTES
from cloudchat.doctor.store_requirements import TIMEOUT_SECONDS, StoreUnusable, check_requirements
from cloudchat.settings import Settings

MAX_PING_SECONDS = 0.02
MAX_SHARE_OF_MAXMEMORY = 0.8
MAX_SHARE_OF_MACHINE = 0.5
"""Half: a store that rewrites its log forks, and may need its memory twice."""
_PINGS = 10
_ROOMS_PER_CALL = 500


class StoreStats(Struct, frozen=True):
    """The measured state of a store.

    `ping_seconds` is the median of ten; `max_bytes` is maxmemory, 0 for none; `log_folder` is empty if unknown.
    """

    version: str
    ping_seconds: float
    used_bytes: int
    max_bytes: int
    machine_bytes: int
    write_problem: str
    log_bytes: int
    log_folder: str
    clock_offset_seconds: float
    refusal: str = ""
    """The store's answer to a write, if it refuses it."""


def store_url(settings: Settings) -> str | None:
    """Return the URL of the running store; None if it is the embedded one and no server runs."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    socket = socket_path(settings.state_dir.absolute() / "store")
    return socket_url(socket) if socket.exists() else None


def check_store(settings: Settings) -> list[CheckResult]:
    """Check that the store answers quickly, writes its log as the guarantee requires, and has space."""
    url = store_url(settings)
    if url is None:
        return [CheckResult("store", "the embedded store is not running: `cloudchat serve` starts it")]
    try:
        warnings = check_requirements(url)
        stats = read_stats(url)
    except StoreUnusable as error:
        return [CheckResult("store", str(error))]
    results = [CheckResult("store", warning) for warning in warnings]
    name = f"store: version {stats.version}, answered within {stats.ping_seconds * 1000:.1f} ms"
    slow = "it is slow: check the network to it, and the load of its machine and disk"
    results.append(CheckResult(name, slow if stats.ping_seconds > MAX_PING_SECONDS else None))
    if stats.refusal:
        results.append(
            CheckResult("store's writes", f"every message is refused ({stats.refusal}): see the store's log and memory")
        )
    if stats.write_problem:
        results.append(
            CheckResult("store's log", f"{stats.write_problem}: look for a full or broken disk on its machine")
        )
    if url.startswith("unix:") and os.path.isdir(stats.log_folder):  # false for a store in a container
        results.append(_check_log_disk(stats.log_bytes, Path(stats.log_folder)))
    return [*results, _check_memory(stats), check_clock("store", stats.clock_offset_seconds)]


def read_stats(url: str) -> StoreStats:
    """Read the state of the store. Blocks for a few seconds at most. Raises StoreUnusable."""
    try:
        with open_client(url, connect_seconds=TIMEOUT_SECONDS, answer_seconds=TIMEOUT_SECONDS) as store:
            return _read_stats(store)
    except BrokerUnavailable as error:
        raise StoreUnusable(f"the state of the store cannot be read ({error}): allow INFO and TIME") from error


def has_field(url: str, key: str, field: bytes) -> bool:
    """Return whether a hash has a field. Raises StoreUnusable."""
    try:
        with open_client(url, connect_seconds=TIMEOUT_SECONDS, answer_seconds=TIMEOUT_SECONDS) as store:
            return bool(store.hexists(key, field))
    except BrokerUnavailable as error:
        raise StoreUnusable(f"the store cannot be read ({error})") from error


class LogHead(Struct, frozen=True):
    """The seq of a log's newest event, and up to which seq the store was told that the archive has it."""

    seq: int
    archived: int


def read_log_heads(url: str, rooms: Sequence[str]) -> dict[str, LogHead]:
    """Return the heads of those rooms that have a log. Raises StoreUnusable."""
    heads = {}
    try:
        with open_client(url, connect_seconds=TIMEOUT_SECONDS, answer_seconds=TIMEOUT_SECONDS) as store:
            for start in range(0, len(rooms), _ROOMS_PER_CALL):
                part = rooms[start : start + _ROOMS_PER_CALL]
                pipeline = store.pipeline(transaction=False)
                for room in part:
                    pipeline.hmget(keys.meta(room), "seq", "a")
                for room, (seq, archived) in zip(part, pipeline.execute(), strict=True):
                    if seq is not None:
                        heads[room] = LogHead(int(seq), int(archived or 0))
    except BrokerUnavailable as error:
        raise StoreUnusable(f"the logs cannot be read ({error})") from error
    return heads


def _read_stats(store: "redis.Redis") -> StoreStats:
    pings = []
    for _ in range(_PINGS):
        started_at = time.perf_counter()
        store.ping()
        pings.append(time.perf_counter() - started_at)
    server: Any = store.info("server")
    memory: Any = store.info("memory")
    persistence: Any = store.info("persistence")
    write_problems = [
        f"{name} is {persistence[name]}"
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status")
        if persistence.get(name, "ok") != "ok"
    ]
    sent_at = time.time()
    seconds, microseconds = store.time()
    received_at = time.time()
    return StoreStats(
        version=str(server.get("valkey_version") or server["redis_version"]),
        ping_seconds=sorted(pings)[_PINGS // 2],
        used_bytes=int(memory["used_memory"]),
        max_bytes=int(memory.get("maxmemory", 0)),
        machine_bytes=int(memory.get("total_system_memory", 0)),
        write_problem=", ".join(write_problems),
        log_bytes=int(persistence.get("aof_current_size", 0)),
        log_folder=_log_folder(store),
        clock_offset_seconds=clock_offset(seconds + microseconds / 1e6, sent_at, received_at),
        refusal=_refusal(store),
    )


def _refusal(store: "redis.Redis") -> str:
    try:
        store.execute_command(*WRITE_PROBE)  # type: ignore[no-untyped-call]
    except redis.exceptions.NoPermissionError:
        return ""
    except redis.ResponseError as error:
        # redis-py removes the code of some errors.
        codes = {redis.exceptions.OutOfMemoryError: "OOM ", redis.exceptions.ReadOnlyError: "READONLY "}
        return f"{codes.get(type(error), '')}{error}"
    return ""


def _log_folder(store: "redis.Redis") -> str:
    try:
        return str(store.config_get("dir").get("dir") or "")
    except redis.ResponseError:  # a managed store, or a user without the right to CONFIG
        return ""


def _check_log_disk(size: int, folder: Path) -> CheckResult:
    """Check the disk of a store on this machine. It may be another disk than that of the state directory."""
    free = shutil.disk_usage(folder).free
    name = f"store's log: {size / 1e9:.1f} GB in {folder}, {free / 1e9:.1f} GB free"
    if free < max(MIN_FREE_BYTES, size):
        return CheckResult(name, "a rewrite needs the size of the log again: free that much, and at least 0.5 GB")
    return CheckResult(name)


def _check_memory(stats: StoreStats) -> CheckResult:
    if stats.max_bytes:
        name = f"store's memory: {stats.used_bytes / 1e6:.0f} of {stats.max_bytes / 1e6:.0f} MB (maxmemory)"
        too_full = stats.used_bytes > MAX_SHARE_OF_MAXMEMORY * stats.max_bytes
    else:
        name = f"store's memory: {stats.used_bytes / 1e6:.0f} MB of the machine's {stats.machine_bytes / 1e6:.0f} MB"
        too_full = stats.used_bytes > MAX_SHARE_OF_MACHINE * stats.machine_bytes > 0
    problem = "a full store rejects messages: add memory, or lower CLOUDCHAT_HISTORY_MESSAGES"
    return CheckResult(name, problem if too_full else None)
