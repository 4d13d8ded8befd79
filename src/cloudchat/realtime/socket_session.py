"""The rules of one socket, without the socket: what a frame means, what is refused, and when patience ends."""

import unicodedata
from dataclasses import dataclass

from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.commands import AnyCommand, BadCommand, Send, parse
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.protocol.events import Limits
from cloudchat.rate_limiting.token_bucket import TokenBucket

COMMANDS_AT_ONCE = 200
COMMANDS_PER_SECOND = 50
PATIENCE = 20
"""So many refusals in a row are answered; one more closes the socket."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame that is answered by `error`; with `close` it was also the last one."""

    error: Error
    close: CloseCode | None = None


class SocketSession:
    """Turns frames into commands or refusals. `now` is seconds of a monotonic clock.

    `user_sends` is shared by all sockets of the user.
    """

    __slots__ = ("_bad_in_a_row", "_commands", "_limited_in_a_row", "_limits", "_sends", "_user_sends")

    def __init__(self, limits: Limits, user_sends: TokenBucket, now: float) -> None:
        sends = limits.sends_per_10s
        self._limits = limits
        # What `welcome` promises must never be refused by the coarser limit on commands.
        self._commands = TokenBucket(COMMANDS_AT_ONCE + sends, COMMANDS_PER_SECOND + sends / 10, now)
        self._sends = TokenBucket(sends, sends / 10, now)
        self._user_sends = user_sends
        self._bad_in_a_row = 0
        self._limited_in_a_row = 0

    def receive(self, text: str, now: float) -> AnyCommand | Refused:
        """Judge one text frame."""
        # Before parsing: a flood must cost less than what it floods.
        wait = self._commands.take(now)
        if wait:
            return self._limited(None, wait)
        try:
            command = parse(text)
        except BadCommand as problem:
            return self._bad(problem)
        if isinstance(command, Send):
            refusal = self._check_send(command, now)
            if refusal is not None:
                return refusal
        self._bad_in_a_row = self._limited_in_a_row = 0
        return command

    def _check_send(self, command: Send, now: float) -> Refused | None:
        text = command.text
        if len(text) > self._limits.text_chars:
            message = f"a message may have {self._limits.text_chars} characters, this one has {len(text)}"
            return Refused(error(ErrorCode.TOO_LARGE, message, id=command.id, field="text"))
        if not text.strip():
            return Refused(error(ErrorCode.BAD_REQUEST, "a message needs text", id=command.id, field="text"))
        if not printable(text):
            message = "a message may hold no control characters but tab and newline"
            return Refused(error(ErrorCode.BAD_REQUEST, message, id=command.id, field="text"))
        wait = self._sends.take(now) or self._user_sends.take(now)
        return self._limited(command.id, wait) if wait else None

    def _limited(self, id: str | None, wait: int) -> Refused:
        self._limited_in_a_row += 1
        close = CloseCode.FLOODING if self._limited_in_a_row > PATIENCE else None
        return Refused(error(ErrorCode.RATE_LIMITED, "too fast: slow down", id=id, retry_after_ms=wait), close)

    def _bad(self, problem: BadCommand) -> Refused:
        self._bad_in_a_row += 1
        no_client_of_ours = not problem.is_object or self._bad_in_a_row > PATIENCE
        return Refused(
            error(ErrorCode.BAD_REQUEST, str(problem), id=problem.id, field=problem.field),
            CloseCode.BAD_COMMANDS if no_client_of_ours else None,
        )


def printable(text: str) -> bool:
    """Whether `text` has no control character (Unicode Cc) but tab, newline and carriage return.

    NUL and escape sequences do nothing in a browser, and a lot in a terminal client or a log.
    """
    if text.isprintable():  # in C, and true for nearly every message
        return True
    return not any(unicodedata.category(c) == "Cc" and c not in "\t\n\r" for c in text)
