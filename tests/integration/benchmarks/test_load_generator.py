"""The load generator notices what a server does wrong. Without that, a server that loses messages would look fast."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from benchmarks.generator import Generator, LoadFailed, Measured, build
from benchmarks.servers import Server, running_program
from support.server import free_port

Deliver = Callable[[int, int, str], list[str]]
"""From the seq of a message, the number of a member and the frame to the frames that the member receives."""

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="the load generator needs gcc")
MEMBERS = 20
SAMPLED = 0
NOT_SAMPLED = 1


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return build(tmp_path_factory.mktemp("bench"))


@contextmanager
def broadcaster(deliver: Deliver) -> Iterator[Server]:
    """Run a server that speaks as much of cloudchat.v1 as a room needs, and makes the mistakes of `deliver`."""
    members: list[ServerConnection] = []
    lock = threading.Lock()
    seq = 0

    def handle(connection: ServerConnection) -> None:
        nonlocal seq
        connection.send('{"type":"welcome"}')
        with suppress(ConnectionClosed):
            for command in map(json.loads, connection):
                with lock:
                    if command["type"] == "join":
                        members.append(connection)
                        connection.send('{"type":"joined"}')
                        continue
                    seq += 1
                    frame = f'{{"type":"message","seq":{seq:03d},"text":"{command["text"]}"}}'
                    for number, member in enumerate(members):
                        for delivered in deliver(seq, number, frame):
                            member.send(delivered)

    with serve(handle, "127.0.0.1", 0, compression=None, subprotocols=[Subprotocol("cloudchat.v1")]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Server("scripted", "cloudchat", server.socket.getsockname()[1], (), ["a token"])
        server.shutdown()


UNORDERED = r"member 0 received (seq 8 after 6|message \d+ instead of \d+)"
"""Which of the two checks comes first depends on who sent the messages."""


def fan_out(generator: Generator, deliver: Deliver, timeout: float = 15) -> Measured:
    # One at a time, so that the members are in the order of joining.
    options = {"members": MEMBERS, "at_once": 1, "in_flight": 4, "sends": 20, "warm_up": 0, "frame_bytes": 200}
    with broadcaster(deliver) as server:
        return generator.run("fan-out", server, {**options, "timeout": timeout})


def test_a_correct_server_is_measured(generator: Generator) -> None:
    result = fan_out(generator, lambda seq, member, frame: [frame])
    assert result["deliveries_per_second"] == pytest.approx(MEMBERS * result["sends_per_second"], rel=0.01)
    assert result["frame_bytes"] == 200
    assert 0 < result["p50_ms"] <= result["p99_ms"]


def test_a_hole_is_noticed(generator: Generator) -> None:
    with pytest.raises(LoadFailed, match=UNORDERED):
        fan_out(generator, lambda seq, member, frame: [] if (seq, member) == (7, SAMPLED) else [frame])


def test_a_repeated_message_is_noticed(generator: Generator) -> None:
    with pytest.raises(LoadFailed, match=r"member 0 received message \d+ instead of"):
        fan_out(generator, lambda seq, member, frame: [frame] * 2 if (seq, member) == (7, SAMPLED) else [frame])


def test_a_wrong_order_is_noticed(generator: Generator) -> None:
    held: list[str] = []

    def swap(seq: int, member: int, frame: str) -> list[str]:
        if member != SAMPLED or seq not in (7, 8):
            return [frame]
        held.append(frame)
        return held[::-1] if seq == 8 else []

    with pytest.raises(LoadFailed, match=UNORDERED):
        fan_out(generator, swap)


def test_a_lost_message_is_noticed_on_a_member_that_is_not_sampled(generator: Generator) -> None:
    with pytest.raises(LoadFailed, match="a message is lost"):
        fan_out(generator, lambda seq, member, frame: [] if (seq, member) == (7, NOT_SAMPLED) else [frame], timeout=1)


def test_a_message_too_many_is_noticed_on_a_member_that_is_not_sampled(generator: Generator) -> None:
    with pytest.raises(LoadFailed, match="member 1 received"):
        fan_out(generator, lambda seq, member, frame: [frame] * 2 if member == NOT_SAMPLED else [frame])


def test_an_error_is_noticed(generator: Generator) -> None:
    error = '{"type":"error","code":"rate_limited"}'
    with pytest.raises(LoadFailed, match=f"the server answered: {error}"):
        fan_out(generator, lambda seq, member, frame: [error if seq == 7 else frame])


def test_a_port_without_a_server_is_named(generator: Generator) -> None:
    with pytest.raises(LoadFailed, match="nothing accepts connections"):
        generator.run("openings", Server("none", "websocket", free_port(), ()), {"members": 1})


def test_the_bare_loop_delivers_each_message_to_its_room_alone(generator: Generator) -> None:
    with running_program("bare", "websocket", [str(generator.bare_loop), "3"]) as server:
        options = {"rooms": 5, "members": 3, "in_flight": 2, "sends": 100, "frame_bytes": 200}
        result = generator.run("fan-out", server, options)
    assert result["frame_bytes"] == 200
    assert result["sends_per_second"] > 0


def test_openings_are_counted_on_the_bare_loop(generator: Generator) -> None:
    with running_program("bare", "websocket", [str(generator.bare_loop)]) as server:
        result = generator.run("openings", server, {"members": 50, "at_once": 8})
    assert result["openings_per_second"] > 0
    assert result["cpu_ms_each"] > 0
