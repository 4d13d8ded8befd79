"""The append-only file after a deletion, on each real store."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from cloudchat.broker.broker import BrokerUnavailable
from cloudchat.broker.embedded.file_rewrite import LEASE_SECONDS, FileRewriter
from cloudchat.broker.functions import FUNCTIONS
from cloudchat.broker.redis_functions import RedisFunctions
from integration.broker.brokers import broker_on
from integration.broker.posting import Room, seq_of
from support.stores import RunningStore, store_binaries

pytestmark = pytest.mark.anyio


def written_bytes(store: RunningStore) -> bytes:
    while True:
        with contextlib.suppress(FileNotFoundError):  # a rewrite has just replaced one
            return b"".join(path.read_bytes() for path in store.folder.glob("appendonlydir/*.aof"))


@pytest.mark.parametrize("binary", store_binaries().values(), ids=store_binaries().keys())
async def test_a_rewrite_removes_deleted_texts_from_the_file(binary: Path) -> None:
    with RunningStore(binary, settings={"aof-use-rdb-preamble": "no"}) as store:
        functions = RedisFunctions(store.url, libraries=[FUNCTIONS])
        async with broker_on(store) as broker:
            rewriter = FileRewriter(functions)
            broker.text_deleted = rewriter.deleted
            room = Room(broker)
            for text in ("before", "a secret", "after"):
                seq_of(await room.send(text))
            seq_of(await room.edit(2, "another secret"))
            seq_of(await room.delete(2))
            assert b"secret" in written_bytes(store)
            await rewriter.check()
            async with asyncio.timeout(20):
                while b"secret" in written_bytes(store):
                    await rewriter.check()
            written = written_bytes(store)
            assert b"before" in written
            assert b"after" in written
            started_at = await functions.start_file_rewrite(time.time(), LEASE_SECONDS)
            assert started_at < time.time(), "the lease is held"
        await functions.close()
        store.kill()
        with pytest.raises(BrokerUnavailable):
            await functions.file_rewrite_status()
