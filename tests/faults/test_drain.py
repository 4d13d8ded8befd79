"""SIGTERM in the middle of sends, as `systemctl restart` does it."""

import json
import time

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.accounts import register
from support.server import RunningServer

AT_LEAST = 50
SECONDS_TO_STOP = 10


def test_a_stop_says_goodbye_and_keeps_every_acknowledged_message() -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(AT_LEAST)
        started = time.monotonic()
        assert server.terminate() == 0, server.log
        assert time.monotonic() - started < SECONDS_TO_STOP
        server.start()
        crowd.wait_until_all_came(2)
        crowd.wait_for_acks(AT_LEAST)
        story = crowd.finish()
        closed = [wire for wire in crowd.wires if wire.ended]
    assert violations(story) == []
    assert {wire.client for wire in closed} == set(crowd.connections)
    for wire in closed:
        assert wire.close_code == 1012, wire.client
        assert any(json.loads(text)["type"] == "drain" for ours, text in wire.lines[-200:] if not ours), wire.client
