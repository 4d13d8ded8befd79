"""SIGTERM while messages are sent, as from `systemctl restart`."""

import json
import time

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.accounts import register
from support.server import RunningServer

MIN_ACKS = 50
MAX_STOP_SECONDS = 10


def test_sigterm_drains_every_socket_and_loses_no_acknowledged_message() -> None:
    with RunningServer(environment=ENVIRONMENT) as server, Crowd(server.ws_url, register(server.url)) as crowd:
        crowd.wait_for_acks(MIN_ACKS)
        started_at = time.monotonic()
        assert server.terminate() == 0, server.log
        assert time.monotonic() - started_at < MAX_STOP_SECONDS
        server.start()
        crowd.wait_for_connections(2)
        crowd.wait_for_acks(MIN_ACKS)
        observed = crowd.finish()
        closed = [recording for recording in crowd.recordings if recording.ended]
    assert violations(observed) == []
    assert {recording.client for recording in closed} == set(crowd.connections)
    for recording in closed:
        assert recording.close_code == 1012, recording.client
        received = [json.loads(text) for is_sent, text in recording.frames[-200:] if not is_sent]
        assert any(frame["type"] == "drain" for frame in received), recording.client
