"""The two measurements: a room under load, and the memory of an idle member."""

from benchmarks.load import Load
from benchmarks.machine import SERVER_CORE, core_seconds, cpu_seconds, settled_bytes
from benchmarks.members import open_members
from benchmarks.results import LoadResult, MemoryResult, percentile
from benchmarks.servers import Server

_WARM_UP_SECONDS = 0.7
_WARM_UP_MEMBERS = 64


def measure_load(server: Server, members: int, in_flight: int, seconds: float) -> LoadResult:
    """Measure a room of `members` with always `in_flight` sends, for `seconds`."""
    with (
        open_members(server.dialect, server.port, members) as opened,
        Load(server.dialect, opened, in_flight) as load,
    ):
        load.warm_up(_WARM_UP_SECONDS)
        before = _cpu_used(server)
        window = load.measure(seconds)
        app, store, core = (after - start for after, start in zip(_cpu_used(server), before, strict=True))
        load.finish()
    return LoadResult(
        deliveries_per_second=window.deliveries / window.seconds,
        sends_per_second=window.sends / window.seconds,
        p50=1000 * percentile(window.latencies, 0.5),
        p99=1000 * percentile(window.latencies, 0.99),
        whole_room_p50=1000 * percentile(window.room_latencies, 0.5),
        whole_room_p99=1000 * percentile(window.room_latencies, 0.99),
        server_cpu=app / window.seconds,
        store_cpu=store / window.seconds,
        others_cpu=max(0.0, core - app - store) / window.seconds,
        generator_busy=1 - window.idle_seconds / window.seconds,
    )


def measure_memory(server: Server, members: int) -> MemoryResult:
    """Measure `members` that join and stay idle. The history should be empty, so measure this before any load."""
    with open_members(server.dialect, server.port, _WARM_UP_MEMBERS):
        pass  # what the server loads and caches for its first members is not the cost of each member
    empty = settled_bytes(server.pid)
    store_empty = settled_bytes(server.store_pid) if server.store_pid else 0
    with open_members(server.dialect, server.port, members):
        joined = settled_bytes(server.pid)
        store_joined = settled_bytes(server.store_pid) if server.store_pid else 0
    return MemoryResult(
        bytes_per_member=(joined - empty) / members,
        empty_bytes=empty,
        store_bytes_per_member=(store_joined - store_empty) / members,
    )


def _cpu_used(server: Server) -> tuple[float, float, float]:
    """Return the CPU seconds so far: of the server, of its store, and of the whole core."""
    return (
        cpu_seconds(server.pid),
        cpu_seconds(server.store_pid) if server.store_pid else 0.0,
        core_seconds(SERVER_CORE),
    )
