"""A flood of denied requests and sockets writes a limited number of lines, and then the number of those left out."""

import json

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from cloudchat.core.log_rate_limit import MAX_LINES_PER_CLIENT
from support.server import RunningServer
from support.socket import ChatSocket

DENIALS = {
    "not signed in": 3 * MAX_LINES_PER_CLIENT,
    "limit hit": 2 * MAX_LINES_PER_CLIENT,
    "socket refused": 2 * MAX_LINES_PER_CLIENT,
}


def test_a_flood_of_denials_writes_few_lines_and_is_counted() -> None:
    environment = {
        "CLOUDCHAT_ACCOUNT_RATE": "99999/minute",
        "CLOUDCHAT_REFRESH_RATE": "1/day",
        "CLOUDCHAT_LOG_FORMAT": "json",
    }
    with RunningServer(environment=environment) as server:
        with httpx.Client(base_url=server.url, verify=False) as client:
            for _ in range(DENIALS["not signed in"]):
                assert client.get("/api/me").status_code == 401
            statuses = [client.post("/api/auth/logout", json={}).status_code for _ in range(DENIALS["limit hit"] + 1)]
            assert statuses.count(429) == DENIALS["limit hit"]
        for _ in range(DENIALS["socket refused"]):
            with pytest.raises(InvalidStatus):
                ChatSocket(server.ws_url, "no token")
        server.terminate()  # writes the counts, which otherwise come after a minute
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert len(lines) < (len(DENIALS) + 1) * MAX_LINES_PER_CLIENT, "a denial is logged more than once"
    for kind, denials in DENIALS.items():
        logged = sum(line["event"] == kind for line in lines)
        summaries = [line for line in lines if line.get("kind") == kind]
        assert MAX_LINES_PER_CLIENT <= logged < denials
        assert logged + sum(line["lines"] for line in summaries) == denials
        assert {line["address"] for line in summaries} == {"127.0.0.1"}
