"""The command line of `make bench-peers`."""

import argparse
import os
import subprocess
from contextlib import ExitStack
from time import monotonic

from benchmarks import generator, machine
from benchmarks.command_line import CACHE, add_cautions, add_load_options, publish
from benchmarks.measurements import small_rooms
from benchmarks.measurements.fan_out import LOADS, add_latency, add_load, measure_load, note_generator, start
from benchmarks.peers import PEERS, STORING_PEER, PeerNotInstalled, running_peer, running_with_store
from benchmarks.results import Table
from benchmarks.run_options import Run, log
from benchmarks.servers import BARE, CLOUDCHAT, PLAIN, Server, ServerStartFailed, running_cloudchat


def main(description: str) -> int:
    """Install the peers, measure all servers, and print the table; return 1 if a server failed or lost a message."""
    options = _parse(description)
    os.sched_setaffinity(0, {machine.GENERATOR_CORE})
    started_at = monotonic()
    table = Table([CLOUDCHAT, PLAIN, BARE])
    try:
        built = generator.build(CACHE)
        run = Run(built, table, options.rounds, options.seconds, options.members)
        with ExitStack() as stack:
            servers = [start(stack, name, run) for name in table.servers]
            servers += _start_peers(stack, run, options.peer or [peer.name for peer in PEERS])
            _measure(run, servers)
        if not options.peer or STORING_PEER.name in options.peer:
            _measure_small_rooms(run)
    except (generator.NoCompiler, generator.LoadFailed, ServerStartFailed, subprocess.SubprocessError) as error:
        log(f"bench-peers: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    add_cautions(run)
    publish(options, table, "make bench-peers", by_server=True)
    log(f"took {monotonic() - started_at:.0f} s")
    return 0


def _start_peers(stack: ExitStack, run: Run, names: list[str]) -> list[Server]:
    servers: list[Server] = []
    for peer in PEERS:
        if peer.name not in names:
            continue
        try:
            log(f"installing and starting {peer.name} …")
            command, version = peer.install(CACHE)
            servers.append(stack.enter_context(running_peer(peer, command)))
            run.table.servers.append(peer.name)
            run.table.notes.append(f"{peer.name}: {version}.")
        except (PeerNotInstalled, ServerStartFailed) as error:
            log(f"  left out: {error}")
            run.table.notes.append(f"Left out: {peer.name}, which cannot be installed here: {error}.")
    return servers


def _measure_small_rooms(run: Run) -> None:
    """Measure cloudchat and the peer that stores messages, too, in many small rooms."""
    with ExitStack() as stack:
        try:
            log(f"installing and starting {STORING_PEER.name} …")
            command, version = STORING_PEER.install(CACHE)
            peer = stack.enter_context(running_with_store(STORING_PEER, command))
        except (PeerNotInstalled, ServerStartFailed) as error:
            log(f"  left out: {error}")
            run.table.notes.append(f"Left out: {STORING_PEER.name}, which cannot be installed here: {error}.")
            return
        run.table.servers.append(STORING_PEER.name)
        run.table.notes.append(f"{STORING_PEER.name}: {version}, with a store that writes to disk as cloudchat's does.")
        users = small_rooms.ROOMS * small_rooms.MEMBERS
        cloudchat = stack.enter_context(running_cloudchat(users, room_members=small_rooms.MEMBERS))[1]
        for number in range(1, run.rounds + 1):
            for server in (cloudchat, peer):
                small_rooms.measure_load(run, server, 0, f"round {number}/{run.rounds}")


def _measure(run: Run, servers: list[Server]) -> None:
    """Measure all servers in each round. cloudchat is the first, and its frames are the measure of the others."""
    for number in range(1, run.rounds + 1):
        for in_flight in LOADS:
            frame_bytes = 0.0
            for server in servers:
                result = measure_load(run, server, in_flight, 0, f"round {number}/{run.rounds}, payload")
                frame_bytes = frame_bytes or result["frame_bytes"]
                add_load(run, server, f"{in_flight} in flight, equal payload", result)
            for server in servers:
                result = measure_load(run, server, in_flight, frame_bytes, f"round {number}/{run.rounds}, wire   ")
                add_load(run, server, f"{in_flight} in flight, equal wire bytes", result)
                add_latency(run, server, f"{in_flight} in flight, equal wire bytes", result)
    note_generator(run, frame_bytes)


def _parse(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-peers",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples:\n  make bench-peers\n  make bench-peers ARGS="--peer NATS --rounds 1 --json peers.json"',
    )
    add_load_options(parser)
    parser.add_argument(
        "--peer",
        choices=[peer.name for peer in (*PEERS, STORING_PEER)],
        action="append",
        help="only this one; may be given several times",
    )
    return parser.parse_args()
