"""What a client does after each way a connection can end: one table."""

from enum import Enum

from cloudchat.protocol.close_codes import TERMINAL, CloseCode


class Reaction(Enum):
    """What comes next."""

    RETRY = "retry"
    """Full jitter, or the delay that `drain` named."""
    RETRY_NOW = "retry now"
    """At once: the position is known, and nothing is wrong with the server."""
    BACK_OFF = "back off"
    """Full jitter on top of a floor: the server asked for room."""
    REFRESH = "refresh"
    """With a fresh token."""
    STOP = "stop"
    """Not by itself."""


_AFTER_CODE = {
    **dict.fromkeys(map(int, TERMINAL), Reaction.STOP),
    CloseCode.TOKEN_INVALID: Reaction.REFRESH,
    CloseCode.TOO_SLOW: Reaction.RETRY_NOW,
    CloseCode.FLOODING: Reaction.BACK_OFF,
    CloseCode.STORE_UNAVAILABLE: Reaction.BACK_OFF,
}

_AFTER_STATUS = {
    400: Reaction.STOP,
    401: Reaction.REFRESH,
    403: Reaction.STOP,
    404: Reaction.STOP,
    426: Reaction.STOP,
    429: Reaction.BACK_OFF,
    503: Reaction.BACK_OFF,
}


def after_close(code: int | None) -> Reaction:
    """After a close code. None or an unknown one (1006: no close frame at all) is a lost connection."""
    return Reaction.RETRY if code is None else _AFTER_CODE.get(code, Reaction.RETRY)


def after_refusal(status: int) -> Reaction:
    """After an HTTP status in place of the upgrade. Unknown ones are a proxy's trouble, which passes."""
    return _AFTER_STATUS.get(status, Reaction.RETRY)
