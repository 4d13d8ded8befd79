"""The result of a check, and the check of a clock that database and store have in common."""

from msgspec import Struct

MAX_CLOCK_OFFSET_SECONDS = 5.0


class CheckResult(Struct, frozen=True):
    """The result of one check, for one line of output.

    `name` says what was checked, with the value that was found. `problem` says what is wrong and how to fix it; it is
    None when all is well.
    """

    name: str
    problem: str | None = None


def clock_offset(remote_time: float, sent_at: float, received_at: float) -> float:
    """Return the minimum error of a remote clock in seconds; 0 if its time lies within the round trip.

    `sent_at` and `received_at`: this machine's time before the question and after the answer (seconds since 1970).
    """
    if sent_at <= remote_time <= received_at:
        return 0.0
    return min(abs(remote_time - sent_at), abs(remote_time - received_at))


def check_clock(owner: str, offset_seconds: float) -> CheckResult:
    """Check the clock of the database or the store."""
    name = f"clock: the {owner}'s differs by {offset_seconds:.1f} s"
    if offset_seconds > MAX_CLOCK_OFFSET_SECONDS:
        return CheckResult(
            name, "tokens and rate limits depend on it: synchronize both clocks by NTP (timedatectl set-ntp true)"
        )
    return CheckResult(name)
