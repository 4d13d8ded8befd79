"""What this process has counted, as metric families of Prometheus."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cloudchat.core.histogram import BUCKET_BOUNDS_SECONDS, Histogram


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """All figures at one instant; counters since the process started."""

    connections: int
    rooms: int
    connects: Mapping[str, int]
    closes: Mapping[int, int]
    commands: Mapping[tuple[str, str], int]
    sends: int
    deliveries: int
    dropped: Mapping[str, int]
    append_seconds: Histogram
    relay_seconds: Histogram
    holes_repaired: int
    requests: Mapping[tuple[str, str, int], int]
    tasks_failed: int
    tasks_dead: int
    loop_lag: float
    ready: bool


class Metrics:
    """The exposition of one process. `read` is asked at each scrape."""

    def __init__(self, read: Callable[[], MetricsSnapshot]) -> None:
        self._read = read
        self._process = ProcessCollector(registry=None)

    def text(self, worker: int) -> bytes:
        """All metrics in Prometheus's text format, of the worker with that number."""
        return _text([*self._figures(), *self._process.collect()], worker)

    def _figures(self) -> Iterable[Metric]:
        now = self._read()
        yield _gauge("connections", "Sockets that are open.", now.connections)
        yield _gauge("rooms", "Rooms that somebody here has joined.", now.rooms)
        yield _ready(now.ready)
        yield _gauge("tasks_dead", "Permanent background tasks that have ended: replace the process.", now.tasks_dead)
        yield _gauge("loop_lag_seconds", "Longest stall of the event loop since the last scrape.", now.loop_lag)
        yield _counter("sends", "Messages that the store has written to disk.", now.sends)
        yield _counter("deliveries", "Events handed to members, each counted for each.", now.deliveries)
        yield _counter("holes_repaired", "Events read from the log because nobody told of them.", now.holes_repaired)
        yield _counter("task_failures", "Background tasks that ended by an unexpected error.", now.tasks_failed)
        yield _by("connects", "Handshakes, by result.", "result", now.connects)
        yield _by("closes", "Sockets that ended, by close code.", "code", now.closes)
        yield _by("frames_dropped", "Frames that a slow reader was not sent, by cause.", "cause", now.dropped)
        yield _by("limits_hit", "What a limit refused, by limit.", "limit", limits_hit(now))
        yield _by_two("commands", "Frames of clients.", ("command", "outcome"), now.commands)
        yield _by_two("auth", "Requests to sign in and the like.", ("action", "result"), auth_results(now.requests))
        requests = CounterMetricFamily("cloudchat_http_requests", "Requests.", labels=["method", "route", "status"])
        for (method, route, status), count in now.requests.items():
            requests.add_metric([method, route, str(status)], count)
        yield requests
        yield _histogram("append_seconds", "From an append's departure to the store's answer.", now.append_seconds)
        yield _histogram("relay_seconds", "From an event's time to its delivery, of every eighth.", now.relay_seconds)


def text_of_blocked(worker: int) -> bytes:
    """What is to be told of a worker that lives and tells nothing itself."""
    return _text([_ready(False)], worker)


def limits_hit(now: MetricsSnapshot) -> Mapping[str, int]:
    """Refusals for being too many or too fast, wherever they were counted."""
    return {
        "http": sum(count for (_, _, status), count in now.requests.items() if status == 429),
        "connects": now.connects.get("rate_limited", 0),
        "commands": now.commands.get(("", "rate_limited"), 0),
        "sockets_per_user": now.closes.get(4409, 0),
    }


def auth_results(requests: Mapping[tuple[str, str, int], int]) -> Mapping[tuple[str, str], int]:
    """What became of requests below /api/auth, by the route's last word."""
    results: Counter[tuple[str, str]] = Counter()
    for (_, route, status), count in requests.items():
        if route.startswith("/api/auth/"):
            action = route.removeprefix("/api/auth/").partition("/{")[0]
            results[action, _outcome(status)] += count
    return results


def _outcome(status: int) -> str:
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
    return _gauge("ready", "1 while /readyz says that the process can do its work.", ready)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"cloudchat_{name}", meaning, value=value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(f"cloudchat_{name}", meaning, value=value)


def _by(name: str, meaning: str, label: str, values: Mapping[str, int] | Mapping[int, int]) -> Metric:
    family = CounterMetricFamily(f"cloudchat_{name}", meaning, labels=[label])
    for value, count in values.items():
        family.add_metric([str(value)], count)
    return family


def _by_two(name: str, meaning: str, labels: tuple[str, str], values: Mapping[tuple[str, str], int]) -> Metric:
    family = CounterMetricFamily(f"cloudchat_{name}", meaning, labels=labels)
    for value, count in values.items():
        family.add_metric(value, count)
    return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    buckets, so_far = [], 0
    for bound, count in zip((*map(str, BUCKET_BOUNDS_SECONDS), "+Inf"), histogram.bucket_counts, strict=True):
        so_far += count
        buckets.append((bound, so_far))
    return HistogramMetricFamily(f"cloudchat_{name}", meaning, buckets=buckets, sum_value=histogram.sum_seconds)
