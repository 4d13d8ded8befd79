from cloudchat.broker.archiving.archive_queue import ENQUEUE_SECONDS, QUEUED_SECONDS, ArchiveQueue
from cloudchat.broker.connections.redis_connection import ANSWER_SECONDS


def test_a_room_is_enqueued_once_in_enqueue_seconds() -> None:
    queue = ArchiveQueue()
    assert queue.take_due(["a", "b"], 10.0) == ["a", "b"]
    assert queue.take_due(["b", "c"], 10.5) == ["c"]
    assert queue.take_due(["a", "b", "c"], 10.0 + ENQUEUE_SECONDS) == ["a", "b"]


def test_all_rooms_are_enqueued_again_after_clear() -> None:
    queue = ArchiveQueue()
    queue.take_due(["a"], 10.0)
    queue.clear()
    assert queue.take_due(["a"], 10.1) == ["a"]


def test_an_append_has_failed_before_its_room_may_be_removed() -> None:
    assert QUEUED_SECONDS - ENQUEUE_SECONDS > 2 * ANSWER_SECONDS
