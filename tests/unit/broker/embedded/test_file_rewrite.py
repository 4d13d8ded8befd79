import pytest

from cloudchat.broker.embedded.file_rewrite import LEASE_SECONDS, FileRewriter

pytestmark = pytest.mark.anyio


class FakeStore:
    """The lease and the rewrites of a store, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.started: list[float] = []
        self.status = "ok"

    async def start_file_rewrite(self, now: float, lease_seconds: int) -> float:
        if not self.started or now >= self.started[-1] + lease_seconds:
            self.started.append(now)
        return self.started[-1]

    async def file_rewrite_status(self) -> str:
        return self.status

    def clock(self) -> float:
        return self.now


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


async def check_at(rewriter: FileRewriter, store: FakeStore, now: float) -> int:
    """Let the task check; return how many rewrites were started so far."""
    store.now = now
    await rewriter.check()
    return len(store.started)


async def test_the_file_is_rewritten_after_the_start_and_after_deletions_only(store: FakeStore) -> None:
    """A process before this one may have ended between a deletion and the rewrite."""
    rewriter = FileRewriter(store, store.clock)
    assert await check_at(rewriter, store, 1030) == 1
    assert await check_at(rewriter, store, 2000) == 1
    rewriter.deleted()
    assert await check_at(rewriter, store, 2030) == 2
    assert await check_at(rewriter, store, 9000) == 2


async def test_deletions_within_the_lease_share_a_rewrite(store: FakeStore) -> None:
    rewriter = FileRewriter(store, store.clock)
    await check_at(rewriter, store, 1001)
    for now in range(1010, 1001 + LEASE_SECONDS, 30):
        rewriter.deleted()
        assert await check_at(rewriter, store, now) == 1
    assert await check_at(rewriter, store, 1001 + LEASE_SECONDS) == 2


async def test_a_rewrite_of_another_process_counts_if_it_began_after_the_deletion(store: FakeStore) -> None:
    one, other = FileRewriter(store, store.clock), FileRewriter(store, store.clock)
    assert await check_at(one, store, 1010) == 1
    assert await check_at(other, store, 1011) == 1
    store.now = 2000
    other.deleted()
    assert await check_at(one, store, 2500) == 1
    assert await check_at(other, store, 2500) == 2
    store.now = 2501
    one.deleted()
    assert await check_at(one, store, 2502) == 2
    assert await check_at(one, store, 2500 + LEASE_SECONDS) == 3


async def test_a_failed_rewrite_is_repeated(store: FakeStore) -> None:
    rewriter = FileRewriter(store, store.clock)
    await check_at(rewriter, store, 1030)
    store.status = "running"
    assert await check_at(rewriter, store, 3000) == 1
    store.status = "err"
    assert await check_at(rewriter, store, 3030) == 2
    store.status = "ok"
    assert await check_at(rewriter, store, 4000) == 2
