"""The two measurements: a room under load, and what an idle member costs in memory."""

from dataclasses import dataclass

from benchmarks import cores
from benchmarks.figures import percentile
from benchmarks.load import Load
from benchmarks.members import opened_members
from benchmarks.servers import Server
from benchmarks.usage import core_seconds, cpu_seconds, settled_bytes

_WARM_UP = 0.7  # seconds
_WARMING_MEMBERS = 64


@dataclass(frozen=True)
class LoadFigures:
    """One load on one server. Times in milliseconds, CPU and busy time as shares of one core."""

    deliveries_per_second: float
    sends_per_second: float
    p50: float
    p99: float
    whole_room_p50: float
    whole_room_p99: float
    server_cpu: float
    store_cpu: float
    others_cpu: float  # on the servers' core, by processes that have nothing to do with this
    generator_busy: float

    @property
    def deliveries_per_cpu_second(self) -> float:
        """Deliveries for a second of CPU, the store's included: the figure that a busy machine changes least."""
        return self.deliveries_per_second / max(self.server_cpu + self.store_cpu, 0.001)


@dataclass(frozen=True)
class MemoryFigures:
    """Resident bytes per idle joined member, and of the server without any."""

    bytes_per_member: float
    empty_bytes: int
    store_bytes_per_member: float


def measure_load(server: Server, members: int, in_flight: int, seconds: float) -> LoadFigures:
    """A room of `members` with `in_flight` sends always under way, for `seconds`."""
    with (
        opened_members(server.dialect, server.port, members) as opened,
        Load(server.dialect, opened, in_flight) as load,
    ):
        load.warm_up(_WARM_UP)
        before = _used(server)
        window = load.measure(seconds)
        app, store, core = (after - at for after, at in zip(_used(server), before, strict=True))
        load.finish()
    return LoadFigures(
        deliveries_per_second=window.deliveries / window.seconds,
        sends_per_second=window.sends / window.seconds,
        p50=1000 * percentile(window.latencies, 0.5),
        p99=1000 * percentile(window.latencies, 0.99),
        whole_room_p50=1000 * percentile(window.room_latencies, 0.5),
        whole_room_p99=1000 * percentile(window.room_latencies, 0.99),
        server_cpu=app / window.seconds,
        store_cpu=store / window.seconds,
        others_cpu=max(0.0, core - app - store) / window.seconds,
        generator_busy=1 - window.idle / window.seconds,
    )


def measure_memory(server: Server, members: int) -> MemoryFigures:
    """Join `members` that then stay idle. The history should be empty: so measure this before any load."""
    with opened_members(server.dialect, server.port, _WARMING_MEMBERS):
        pass  # what the first members make the server load and cache is not the price of each member
    empty = settled_bytes(server.pid)
    store_empty = settled_bytes(server.store) if server.store else 0
    with opened_members(server.dialect, server.port, members):
        joined = settled_bytes(server.pid)
        store_joined = settled_bytes(server.store) if server.store else 0
    return MemoryFigures(
        bytes_per_member=(joined - empty) / members,
        empty_bytes=empty,
        store_bytes_per_member=(store_joined - store_empty) / members,
    )


def _used(server: Server) -> tuple[float, float, float]:
    """CPU seconds so far: the server's, its store's, and the whole core's."""
    return (
        cpu_seconds(server.pid),
        cpu_seconds(server.store) if server.store else 0.0,
        core_seconds(cores.server_core()),
    )
