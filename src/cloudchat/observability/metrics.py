"""The metrics of this process in Prometheus's text format."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cloudchat.core.histogram import BUCKET_BOUNDS_SECONDS, Histogram

LAG_INTERVAL_SECONDS = 0.25


class MetricsSnapshot(Struct, frozen=True):
    """All values at one instant; counters since the process started."""

    connections: int
    rooms: int
    connects: Mapping[str, int]
    closes: Mapping[int, int]
    commands: Mapping[tuple[str, str], int]
    sends: int
    deliveries: int
    frames_dropped: Mapping[str, int]
    append_seconds: Histogram
    relay_seconds: Histogram
    holes_repaired: int
    requests: Mapping[tuple[str, str, int], int]
    archive_lag_events: int
    archive_lag_seconds: float
    archive_failures: int
    task_failures: int
    tasks_dead: int
    loop_lag_seconds: float
    ready: bool


class LoopLag:
    """Measure how long the event loop was blocked, by the delay of a timer."""

    def __init__(self) -> None:
        self._longest = 0.0

    async def run(self) -> None:
        """Measure forever."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + LAG_INTERVAL_SECONDS
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            self._longest = max(self._longest, loop.time() - due_at)

    def take(self) -> float:
        """Return the longest delay since the last call, in seconds, and reset it."""
        longest, self._longest = self._longest, 0.0
        return longest


class Metrics:
    """The exposition of one process. `read` is called for each scrape."""

    def __init__(self, read: Callable[[], MetricsSnapshot]) -> None:
        self._read = read
        self._process = ProcessCollector(registry=None)

    def text(self, worker: int) -> bytes:
        """Return all metrics in the text format, with the number of the worker as a label."""
        return _text([*self._families(), *self._process.collect()], worker)

    def _families(self) -> Iterable[Metric]:
        now = self._read()
        yield _gauge("connections", "Open sockets.", now.connections)
        yield _gauge("rooms", "Rooms with at least one member in this process.", now.rooms)
        yield _ready(now.ready)
        yield _gauge("tasks_dead", "Permanent background tasks that ended: restart the process.", now.tasks_dead)
        yield _gauge("loop_lag_seconds", "Longest delay of the event loop since the last scrape.", now.loop_lag_seconds)
        yield _counter("sends", "Messages stored on disk.", now.sends)
        yield _counter("deliveries", "Events delivered to members, counted once per member.", now.deliveries)
        yield _counter("holes_repaired", "Events read from the log because a wake-up was lost.", now.holes_repaired)
        yield _gauge("archive_lag_events", "Stored events that are not in the archive yet.", now.archive_lag_events)
        yield _gauge("archive_lag_seconds", "Age of the oldest of them.", now.archive_lag_seconds)
        yield _counter("archive_failures", "Failed attempts to archive events.", now.archive_failures)
        yield _counter("task_failures", "Background tasks that ended by an unexpected exception.", now.task_failures)
        yield _counters("connects", "Handshakes, by result.", ["result"], _one_label(now.connects))
        yield _counters("closes", "Closed sockets, by close code.", ["code"], _one_label(now.closes))
        yield _counters(
            "frames_dropped", "Frames not sent to slow readers, by cause.", ["cause"], _one_label(now.frames_dropped)
        )
        yield _counters("limits_hit", "Rejections by a limit, by limit.", ["limit"], _one_label(limits_hit(now)))
        yield _counters("commands", "Commands from clients.", ["command", "outcome"], now.commands)
        yield _counters("auth", "Requests below /api/auth.", ["action", "result"], auth_results(now.requests))
        yield _counters("http_requests", "HTTP requests.", ["method", "route", "status"], now.requests)
        yield _histogram("append_seconds", "Time from sending an append to the store's answer.", now.append_seconds)
        yield _histogram("relay_seconds", "Time from an event to its delivery; every eighth event.", now.relay_seconds)


def text_of_unresponsive(worker: int) -> bytes:
    """Return the exposition of a worker that is alive but does not answer."""
    return _text([_ready(False)], worker)


def limits_hit(now: MetricsSnapshot) -> Mapping[str, int]:
    """Return the number of rejections by each limit, from all places where they are counted."""
    return {
        "http": sum(count for (_, _, status), count in now.requests.items() if status == 429),
        "connects": now.connects.get("rate_limited", 0),
        "commands": now.commands.get(("", "rate_limited"), 0),
        "sockets_per_user": now.closes.get(4409, 0),
    }


def auth_results(requests: Mapping[tuple[str, str, int], int]) -> Mapping[tuple[str, str], int]:
    """Return the number of requests below /api/auth by (action, result). The action is the rest of the route."""
    results: Counter[tuple[str, str]] = Counter()
    for (_, route, status), count in requests.items():
        if route.startswith("/api/auth/"):
            action = route.removeprefix("/api/auth/").partition("/{")[0]
            results[action, _result(status)] += count
    return results


def _result(status: int) -> str:
    if status == 429:
        return "limited"
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "ok"


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _text(families: list[Metric], worker: int) -> bytes:
    for family in families:
        family.samples = [sample._replace(labels={**sample.labels, "worker": str(worker)}) for sample in family.samples]
    return generate_latest(_Families(families))


def _ready(ready: bool) -> Metric:
    return _gauge("ready", "1 if /readyz reports that the process can do its work.", ready)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"cloudchat_{name}", help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"cloudchat_{name}", help_text, value=value)


def _counters(name: str, help_text: str, labels: list[str], counts: Mapping[tuple[Any, ...], int]) -> Metric:
    family = CounterMetricFamily(f"cloudchat_{name}", help_text, labels=labels)
    for values, count in counts.items():
        family.add_metric([str(value) for value in values], count)
    return family


def _one_label(counts: Mapping[Any, int]) -> Mapping[tuple[Any, ...], int]:
    return {(value,): count for value, count in counts.items()}


def _histogram(name: str, help_text: str, histogram: Histogram) -> Metric:
    buckets, cumulative = [], 0
    for bound, count in zip((*map(str, BUCKET_BOUNDS_SECONDS), "+Inf"), histogram.bucket_counts, strict=True):
        cumulative += count
        buckets.append((bound, cumulative))
    return HistogramMetricFamily(f"cloudchat_{name}", help_text, buckets=buckets, sum_value=histogram.sum_seconds)
