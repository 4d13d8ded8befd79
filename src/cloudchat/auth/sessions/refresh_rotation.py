"""What a refresh token that is presented deserves. No I/O: the facts come as arguments.

Each is good for one exchange (RFC 9700 §4.14.2), whose answer may get lost: the server is killed after its commit, a
network goes away, a page is reloaded. So for some seconds the same token gets another successor. Of several successors
(siblings) the first one that is used wins; all others are dead, and so is their parent. A dead one that is presented
again proves that two hold copies, and the whole family ends, the thief's part and the victim's; unless it comes within
seconds of what killed it, as from a second tab: then it gets nothing, and ends nothing.

The price: who steals a token within seconds of its exchange, too, has access until the other of the two refreshes.
"""

from dataclasses import dataclass
from enum import Enum

MAX_SUCCESSORS = 3
"""Of one token: more answers are not lost in a row, and each is one more that a thief could hold."""


class Verdict(Enum):
    """`EXCHANGE`: a successor, please. `WAIT`: somebody was quicker, nothing to give. `REVOKE`: a copy is around."""

    EXCHANGE = "exchange"
    WAIT = "wait"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class RefreshTokenState:
    """One refresh token in its family. Instants are seconds since 1970; None is never."""

    used_at: float | None
    sibling_used_at: float | None
    successors: int
    successor_used: bool


def decide(link: RefreshTokenState, now: float, grace_seconds: float) -> Verdict:
    """For a token of a family that is alive. The facts must not change before the verdict is carried out."""
    if link.used_at is None:
        if link.sibling_used_at is None:
            return Verdict.EXCHANGE
        return Verdict.WAIT if now - link.sibling_used_at <= grace_seconds else Verdict.REVOKE
    if now - link.used_at > grace_seconds:
        return Verdict.REVOKE
    if link.successor_used or link.successors >= MAX_SUCCESSORS:
        return Verdict.WAIT
    return Verdict.EXCHANGE
