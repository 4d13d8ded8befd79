"""Many people sign in at the same moment: all of them get in, and nobody else waits for them."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from cloudchat.auth.passwords.turns import MAX_TURNS, MAX_WAITING
from support.accounts import PASSWORD, Account, register
from support.server import RunningServer

CLASS = 40
"""More than the hashes that may wait in threads. They are done long before a login gives up."""


@pytest.fixture(scope="module")
def server(console_script: None) -> Iterator[RunningServer]:  # forked servers make cheaper hashes
    limits = {"CLOUDCHAT_LOGIN_RATE": "9999/minute", "CLOUDCHAT_LOGIN_FAILURES_PER_CLIENT": "9999/minute"}
    with RunningServer(environment=limits) as running:
        yield running


@pytest.fixture(scope="module")
def ann(server: RunningServer) -> Iterator[Account]:
    account = register(server.url)
    yield account
    account.http.close()


def client(account: Account) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=account.url, limits=limits, timeout=60, verify=False)


async def login(http: httpx.AsyncClient, account: Account) -> httpx.Response:
    return await http.post("/api/auth/login", json={"username": account.name, "password": account.password})


def test_a_class_signs_in_at_once_and_other_requests_do_not_wait(ann: Account) -> None:
    async def scenario() -> None:
        async with client(ann) as http:
            logins = [asyncio.create_task(login(http, ann)) for _ in range(CLASS)]
            await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)
            # /api/me runs in a thread, as the logins do.
            me = await http.get("/api/me", headers={"Authorization": f"Bearer {ann.access_token}"})
            health = await http.get("/healthz")
            still_waiting = sum(not task.done() for task in logins)
            statuses = [response.status_code for response in await asyncio.gather(*logins)]
        assert (me.status_code, health.status_code) == (200, 200)
        assert still_waiting > 0
        assert statuses == [200] * CLASS

    asyncio.run(scenario())


def test_more_than_the_queue_holds_are_told_when_to_return(ann: Account) -> None:
    async def scenario() -> None:
        async with client(ann) as http:
            responses = await asyncio.gather(*(login(http, ann) for _ in range(2 * (MAX_TURNS + MAX_WAITING))))
        assert {response.status_code for response in responses} == {200, 503}
        refused = [response for response in responses if response.status_code == 503]
        assert all(int(response.headers["Retry-After"]) > 0 for response in refused)
        assert refused[0].json()["error"]["code"] == "unavailable"
        assert len(responses) - len(refused) > MAX_TURNS

    asyncio.run(scenario())


def test_logins_work_after_the_queue_was_full(server: RunningServer, ann: Account) -> None:
    assert httpx.post(
        f"{server.url}/api/auth/login",
        json={"username": ann.name, "password": PASSWORD},
        verify=False,
        timeout=20,
    ).is_success
