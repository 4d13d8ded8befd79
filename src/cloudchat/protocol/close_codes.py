"""Why a socket was closed, and whether its client may come back: the whole table, in one place."""

from enum import IntEnum


class CloseCode(IntEnum):
    """WebSocket close codes (RFC 6455, section 7.4; 4000–4999 are ours)."""

    NORMAL = 1000
    UNSUPPORTED_DATA = 1003
    INVALID_TEXT = 1007
    TOO_LARGE = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    BAD_COMMANDS = 4400
    TOKEN_INVALID = 4401
    ACCOUNT_DISABLED = 4403
    TOO_SLOW = 4408
    REPLACED = 4409
    FLOODING = 4429
    STORE_UNAVAILABLE = 4503


REASONS: dict[CloseCode, str] = {
    CloseCode.NORMAL: "bye",
    CloseCode.UNSUPPORTED_DATA: "binary frames are not part of cloudchat.v1",
    CloseCode.INVALID_TEXT: "text is not UTF-8",
    CloseCode.TOO_LARGE: "frame too large",
    CloseCode.INTERNAL_ERROR: "something went wrong here: come back with your position",
    CloseCode.SERVICE_RESTART: "the server restarts",
    CloseCode.BAD_COMMANDS: "too many bad commands, or no JSON object",
    CloseCode.TOKEN_INVALID: "token expired or revoked",
    CloseCode.ACCOUNT_DISABLED: "account disabled",
    CloseCode.TOO_SLOW: "too slow: come back with your position",
    CloseCode.REPLACED: "too many sessions of this user",
    CloseCode.FLOODING: "flooding",
    CloseCode.STORE_UNAVAILABLE: "the store cannot be reached for long",
}
"""What stands in the close frame (≤ 123 bytes): for people who debug, never for programs."""

TERMINAL: frozenset[CloseCode] = frozenset(
    {
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_TEXT,
        CloseCode.TOO_LARGE,
        CloseCode.BAD_COMMANDS,
        CloseCode.ACCOUNT_DISABLED,
        CloseCode.REPLACED,
    }
)
"""After these a client must not reconnect by itself."""
