"""The reads that handshakes wait for: they wait for nothing else, and a lost connection costs no read."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text

from cloudchat.database.id_lists import IsOneOf, id_list
from cloudchat.database.read_thread import ReadThread
from cloudchat.database.tables.accounts import users
from cloudchat.database.tables.rooms import rooms
from cloudchat.database.transactions import Transaction
from cloudchat.database.urls import SQLITE
from support.account_services import AccountServices
from support.databases import on_both

pytestmark = [pytest.mark.anyio, on_both]


@pytest.fixture
async def thread(services: AccountServices) -> AsyncIterator[ReadThread]:
    reads = ReadThread(services.db, "test")
    yield reads
    reads.close()


def lobby_name(db: Transaction) -> str:
    return db.execute(select(rooms.c.name)).scalar_one()


async def test_reads_while_writers_block_all_threads_of_asyncio(thread: ReadThread) -> None:
    writers = ThreadPoolExecutor(2)
    asyncio.get_running_loop().set_default_executor(writers)
    is_unlocked = threading.Event()
    waiting = [asyncio.create_task(asyncio.to_thread(is_unlocked.wait)) for _ in range(2)]
    try:
        assert await asyncio.wait_for(thread.run(lobby_name), 10) == "lobby"
    finally:
        is_unlocked.set()
        await asyncio.gather(*waiting)


async def test_each_read_sees_what_was_committed_before_it(services: AccountServices, thread: ReadThread) -> None:
    for name in ("one", "two"):
        with services.db.write() as db:
            db.execute(rooms.update().values(name=name))
        assert await thread.run(lobby_name) == name


async def test_a_read_on_a_connection_that_was_lost_is_repeated_on_a_new_one(thread: ReadThread) -> None:
    calls = 0

    def lose_it_once(db: Transaction) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            driver_connection: Any = db.connection.dbapi_connection
            driver_connection.close()
        return lobby_name(db)

    assert await thread.run(lose_it_once) == "lobby"
    assert calls == 2


async def test_a_query_that_fails_leaves_no_old_state_behind(services: AccountServices, thread: ReadThread) -> None:
    services.register()
    services.register("bob")

    def fail_in_the_middle(db: Transaction) -> None:
        next(iter(db.execute(select(users.c.id)).yield_per(1)))
        raise KeyError

    with pytest.raises(KeyError):
        await thread.run(fail_in_the_middle)
    with services.db.write() as db:
        db.execute(rooms.update().values(name="new"))
    assert await thread.run(lobby_name) == "new"
    if services.db.engine.dialect.name == SQLITE:
        assert services.db.truncate_log()


@pytest.mark.parametrize("names", [[], ["ann"], ["ann", "bob", "nobody", 'it\'s ["odd"]']])
async def test_finds_those_in_a_list(services: AccountServices, thread: ReadThread, names: list[str]) -> None:
    for name in ("ann", "bob", "eve"):
        services.register(name)
    query = select(users.c.name).where(IsOneOf(users.c.name, id_list("names"))).order_by(users.c.name)
    found = await thread.run(lambda db: db.scalars(query, {"names": names}).all())
    assert found == [name for name in ("ann", "bob") if name in names]


async def test_a_list_is_looked_up_in_the_index(services: AccountServices, thread: ReadThread) -> None:
    query = select(users.c.name).where(IsOneOf(users.c.id, id_list("ids")))
    compiled = str(query.compile(dialect=services.db.engine.dialect))

    def plan_of(db: Transaction) -> str:
        if services.db.engine.dialect.name == SQLITE:
            return str(db.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ('["a"]',)).all())
        return str(db.execute(text(f"EXPLAIN {compiled.replace('%(ids)s::TEXT[]', ':ids')}"), {"ids": ["a"]}).all())

    plan = await thread.run(plan_of)
    assert "SEARCH users USING INDEX" in plan or "users_pkey" in plan
