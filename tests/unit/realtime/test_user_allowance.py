"""What a user may send and read, over the life of their sockets."""

from cloudchat.realtime.user_allowance import (
    READ_BURST_BYTES,
    READ_BYTES_PER_SECOND,
    ReadBudget,
    UserAllowance,
)


def test_each_new_socket_takes_the_emptiest_buckets_of_a_closed_one() -> None:
    allowance = UserAllowance(20, 0)
    full, half, empty = (allowance.open_socket(0) for _ in range(3))
    for _ in range(10):
        half.sends.take(0)
    for _ in range(20):
        empty.sends.take(0)
    for buckets in (full, half, empty):
        allowance.close_socket(buckets, 0)
    assert [allowance.open_socket(0) for _ in range(2)] == [empty, half]
    assert allowance.open_socket(0) not in (full, half, empty)


def test_allowance_is_full_when_everything_is_paid_off() -> None:
    allowance = UserAllowance(20, 0)
    buckets = allowance.open_socket(0)
    buckets.commands.take(0)
    allowance.close_socket(buckets, 0)
    assert not allowance.is_full(0)
    assert allowance.is_full(1)
    allowance.reads.charge(READ_BYTES_PER_SECOND, 1)
    assert not allowance.is_full(1.9)
    assert allowance.is_full(2.1)
    allowance.sends.take(3)
    assert not allowance.is_full(3)


def test_debt_of_another_process_counts_once() -> None:
    allowance = UserAllowance(20, 0)
    allowance.carry_over(5000, 0)
    allowance.carry_over(4000, 0)
    assert allowance.owed_ms(0) == 5000
    buckets = allowance.open_socket(0)
    assert [buckets.sends.take(0) == 0 for _ in range(11)] == [True] * 10 + [False]
    assert allowance.owed_ms(0) == 0


def test_500_rooms_are_joined_by_three_devices_at_once() -> None:
    reads = ReadBudget(0)
    for _ in range(3 * 500):
        assert reads.start(0) == 0
        reads.charge(50 * 500, 0)


def test_reader_beyond_the_budget_waits_until_it_is_paid_off() -> None:
    reads = ReadBudget(0)
    reads.charge(READ_BURST_BYTES + READ_BYTES_PER_SECOND, 0)
    wait_ms = reads.start(0)
    assert 1000 <= wait_ms <= 1001
    assert reads.start(wait_ms / 1000) == 0
    assert reads.wait_ms(wait_ms / 1000) > 0  # the command itself costs READ_COMMAND_BYTES
