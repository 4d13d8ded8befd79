"""The WebSocket close codes: why the server closes a connection, and how a client recovers. For server and client.

The page's modules/net/socket/close_codes.js is the same table in JavaScript.
"""

from enum import Enum, IntEnum
from typing import Self


class Recovery(Enum):
    """What a client does after its connection has ended."""

    RETRY = "retry"
    """Reconnect after the delay in `drain` if it was received, else with full jitter."""
    RETRY_NOW = "retry now"
    """Reconnect immediately: the client knows its positions, and the server is healthy."""
    BACK_OFF = "back off"
    """Reconnect with full jitter on top of a minimum delay: the server is overloaded or limits this client."""
    REFRESH = "refresh"
    """Reconnect with a fresh access token."""
    STOP = "stop"
    """Do not reconnect without a decision by the user."""


class CloseCode(IntEnum):
    """WebSocket close codes (RFC 6455 §7.4). Codes from 4000 to 4999 are cloudchat's own (§7.4.2).

    `reason` is the text of the close frame, at most 123 bytes (§5.5.1). It helps people who debug; programs must not
    parse it. `recovery` is what the client does next.
    """

    reason: str
    recovery: Recovery

    def __new__(cls, code: int, reason: str, recovery: Recovery) -> Self:
        """Make the member whose value is `code`."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        member.recovery = recovery
        return member

    NORMAL = 1000, "bye", Recovery.RETRY
    """The client closed the connection; this is the answer to its close frame."""

    UNSUPPORTED_DATA = 1003, "binary frames are not part of cloudchat.v1", Recovery.STOP
    """The client sent a binary frame. Only a corrected client helps."""

    INVALID_TEXT = 1007, "text is not UTF-8", Recovery.STOP
    """The client sent a text frame or a close reason that is not UTF-8. Only a corrected client helps."""

    TOO_LARGE = 1009, "frame too large", Recovery.STOP
    """A frame exceeded `limits.frame_bytes` of `welcome`. Only a corrected client helps."""

    INTERNAL_ERROR = 1011, "internal error: reconnect with your position", Recovery.RETRY
    """An unexpected error in the server. The client resumes from its positions and loses nothing."""

    SERVICE_RESTART = 1012, "the server restarts", Recovery.RETRY
    """The server is shutting down. Its `drain` had a different delay for each client, which spreads the reconnects."""

    BAD_COMMANDS = 4400, "not a JSON object, or too many bad commands", Recovery.STOP
    """A frame was not a JSON object, or more than 20 bad commands came in a row. Only a corrected client helps."""

    TOKEN_INVALID = 4401, "token expired or revoked", Recovery.REFRESH
    """The access token is not valid any more. If a fresh token is rejected too, the user must sign in."""

    ACCOUNT_DISABLED = 4403, "account disabled", Recovery.STOP
    """An administrator disabled the account, or the token does not include the right to chat."""

    TOO_SLOW = 4408, "too slow: reconnect with your position", Recovery.RETRY_NOW
    """The client read too slowly and the server's send buffer for it overflowed. The client resumes from its positions
    and loses nothing."""

    REPLACED = 4409, "too many connections of this user", Recovery.STOP
    """The user opened more connections than allowed, so the oldest one was closed. Reconnecting would close another."""

    FLOODING = 4429, "flooding", Recovery.BACK_OFF
    """The client kept sending after many `rate_limited` errors in a row, or sent too many pings and pongs."""

    STORE_UNAVAILABLE = 4503, "the message store is unavailable", Recovery.BACK_OFF
    """The server has had no store for half a minute. The client may find another server that has one."""
