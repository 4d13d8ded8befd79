"""What a flood of refused requests and sockets writes into the log: some lines, and then how many more there were."""

import json

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from cloudchat.core.log_rate_limit import MAX_LINES_PER_CLIENT
from support.server import RunningServer
from support.socket import ChatSocket

REFUSED = {
    "not signed in": 3 * MAX_LINES_PER_CLIENT,
    "limit hit": 2 * MAX_LINES_PER_CLIENT,
    "socket refused": 2 * MAX_LINES_PER_CLIENT,
}


def test_a_flood_of_refusals_costs_few_lines_and_is_counted() -> None:
    environment = {
        "CLOUDCHAT_ACCOUNT_RATE": "99999/minute",
        "CLOUDCHAT_REFRESH_RATE": "1/day",
        "CLOUDCHAT_LOG_FORMAT": "json",
    }
    with RunningServer(environment=environment) as server:
        with httpx.Client(base_url=server.url, verify=False) as nobody:
            for _ in range(REFUSED["not signed in"]):
                assert nobody.get("/api/me").status_code == 401
            statuses = [nobody.post("/api/auth/logout", json={}).status_code for _ in range(REFUSED["limit hit"] + 1)]
            assert statuses.count(429) == REFUSED["limit hit"]
        for _ in range(REFUSED["socket refused"]):
            with pytest.raises(InvalidStatus):
                ChatSocket(server.ws_url, "no token")
        server.terminate()  # or a minute later
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert len(lines) < (len(REFUSED) + 1) * MAX_LINES_PER_CLIENT, "and none of them a second time, by another name"
    for kind, refused in REFUSED.items():
        told = sum(line["event"] == kind for line in lines)
        rest = [line for line in lines if line.get("kind") == kind]
        assert MAX_LINES_PER_CLIENT <= told < refused
        assert told + sum(line["lines"] for line in rest) == refused
        assert {line["address"] for line in rest} == {"127.0.0.1"}
