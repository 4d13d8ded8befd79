"""The decision about a presented refresh token. No I/O: the state of the token is an argument.

A refresh token can be exchanged once (RFC 9700 §4.14.2). The response may get lost: the server is killed after its
commit, the network fails, the page is reloaded. So for a grace period of some seconds, the same token gets another
successor. Of several successors (siblings), the first one that is exchanged wins; its siblings and their parent are
dead. A dead token that is presented again proves that two parties hold a copy. Then the whole session is revoked, for
the thief and for the victim. The exception is a token that died only seconds ago: a second browser tab may present it,
so that request gets no token and revokes nothing.

The cost: a thief who steals a token and presents it within seconds of its exchange also has access, until one of the
two holders refreshes.
"""

from enum import Enum

from msgspec import Struct

MAX_SUCCESSORS = 3
"""Successors of one token. The loss of more responses in a row is unlikely, and a thief could hold any of them."""


class Decision(Enum):
    """What to do with a presented refresh token."""

    ROTATE = "rotate"
    """Issue a successor."""
    WAIT = "wait"
    """Another request was first. Issue nothing; the client retries with the newer token."""
    REVOKE = "revoke"
    """The token was copied. End the session."""


class RefreshTokenState(Struct, frozen=True):
    """The state of one refresh token of a session. Times are seconds since 1970, or None for never."""

    used_at: float | None
    sibling_used_at: float | None
    successors: int
    successor_used: bool


def decide(token: RefreshTokenState, now: float, grace_seconds: float) -> Decision:
    """Return the decision about a token of a live session.

    The caller must hold the session's row lock until it has carried out the decision.
    """
    if token.used_at is None:
        if token.sibling_used_at is None:
            return Decision.ROTATE
        return Decision.WAIT if now - token.sibling_used_at <= grace_seconds else Decision.REVOKE
    if now - token.used_at > grace_seconds:
        return Decision.REVOKE
    if token.successor_used or token.successors >= MAX_SUCCESSORS:
        return Decision.WAIT
    return Decision.ROTATE
