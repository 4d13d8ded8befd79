"""What a flood of refused requests writes into the log: some lines, and then how many more there were."""

import httpx

from cloudchat.core.line_budget import PER_CLIENT
from support.server import RunningServer

REQUESTS = 3 * PER_CLIENT


def test_a_flood_of_refusals_costs_few_lines_and_is_counted() -> None:
    with RunningServer(
        environment={"CLOUDCHAT_ACCOUNT_RATE": "99999/minute", "CLOUDCHAT_LOG_FORMAT": "json"}
    ) as server:
        with httpx.Client(base_url=server.url, verify=False) as nobody:
            for _ in range(REQUESTS):
                assert nobody.get("/api/me").status_code == 401
        server.terminate()  # or a minute later
        lines = server.log.splitlines()
    told = sum('"event": "not signed in"' in line for line in lines)
    assert PER_CLIENT <= told < REQUESTS
    (rest,) = [line for line in lines if '"kind": "not signed in"' in line]
    assert '"address": "127.0.0.1"' in rest
    assert f'"lines": {REQUESTS - told}' in rest
