"""How the store does: its time, its memory, how quickly it answers. Changes nothing."""

import time
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudchat.doctor.store_check import StoreUnusable

_PINGS = 10
_KEYS_LOOKED_AT = 200_000


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """`seconds`: median of ten pings; `most_bytes`: maxmemory, 0 for none; `time`: by its clock, said when asked.

    `log_folder`: on its own machine; empty if it does not tell.
    """

    version: str
    seconds: float
    used_bytes: int
    most_bytes: int
    machine_bytes: int
    write_trouble: str
    log_bytes: int
    log_folder: str
    time: float
    asked: float
    heard: float


def store_figures(url: str) -> StoreFigures:
    """Ask once. Blocks for seconds at most. Raises StoreUnusable."""
    with _opened(url) as store:
        try:
            return _figures(store)
        except (redis.RedisError, OSError) as error:
            raise StoreUnusable(f"the store does not tell how it does ({error}): allow INFO and TIME") from error


def holds_key_like(url: str, part: str) -> bool | None:
    """Whether any key has `part` in its name; None when there are too many keys to look. Raises StoreUnusable."""
    with _opened(url) as store:
        try:
            if store.dbsize() > _KEYS_LOOKED_AT:
                return None
            return next(store.scan_iter(match=f"*{part}*", count=2000), None) is not None
        except (redis.RedisError, OSError) as error:
            raise StoreUnusable(f"the store's keys can't be looked at ({error})") from error


def _opened(url: str) -> "redis.Redis":
    return redis.Redis.from_url(
        url, socket_connect_timeout=3, socket_timeout=3, retry=Retry(NoBackoff(), 0), decode_responses=True
    )


def _folder(store: "redis.Redis") -> str:
    try:
        return str(store.config_get("dir").get("dir", ""))
    except redis.ResponseError:  # a managed store's, or one of a user without that right
        return ""


def _figures(store: "redis.Redis") -> StoreFigures:
    times = []
    for _ in range(_PINGS):
        started = time.perf_counter()
        store.ping()
        times.append(time.perf_counter() - started)
    server: Any = store.info("server")
    memory: Any = store.info("memory")
    persistence: Any = store.info("persistence")
    trouble = [
        f"{name} is {persistence[name]}"
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status")
        if persistence.get(name, "ok") != "ok"
    ]
    asked = time.time()
    seconds, microseconds = store.time()
    heard = time.time()
    return StoreFigures(
        version=str(server.get("valkey_version") or server["redis_version"]),
        seconds=sorted(times)[_PINGS // 2],
        used_bytes=int(memory["used_memory"]),
        most_bytes=int(memory.get("maxmemory", 0)),
        machine_bytes=int(memory.get("total_system_memory", 0)),
        write_trouble=", ".join(trouble),
        log_bytes=int(persistence.get("aof_current_size", 0)),
        log_folder=_folder(store),
        time=seconds + microseconds / 1e6,
        asked=asked,
        heard=heard,
    )
