"""The rules for the frames of one socket: which ones are commands, which are rejected, when the socket is closed.

Sans-I/O: no socket, no clock; time arrives as `now`.
"""

from msgspec import Struct

from cloudchat.core.message_text import text_error
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.protocol.command_parser import BadCommand, find_id, parse
from cloudchat.protocol.commands import AnyCommand, Auth, Edit, Join, LoggedCommand, Send
from cloudchat.protocol.errors import Error, ErrorCode, error
from cloudchat.protocol.events import Limits
from cloudchat.rate_limiting.token_bucket import TokenBucket
from cloudchat.realtime.user_allowance import AUTHS_PER_SECOND, MAX_AUTH_BURST, ReadBudget, UserAllowance

MAX_CONSECUTIVE_REJECTIONS = 20
"""This many rejected frames in a row are answered by an error; one more closes the socket."""

_WITH_TEXT = (Send, Edit)  # a tuple: `Send | Edit` in a function is built again for each message


class Rejected(Struct, frozen=True):
    """A frame that is answered by `error`. `close` is set when the socket must be closed afterwards."""

    error: Error
    close: CloseCode | None = None


class CommandGate:
    """Turns frames into commands or rejections. All times are in seconds of a monotonic clock."""

    __slots__ = ("_allowance", "_auths", "_buckets", "_consecutive_invalid", "_consecutive_limited", "_limits")

    def __init__(
        self, limits: Limits, allowance: UserAllowance, now: float, *, auths_per_second: float = AUTHS_PER_SECOND
    ) -> None:
        """`allowance` is shared by all sockets of the user. Call `close` when this socket is closed."""
        self._limits = limits
        self._allowance = allowance
        self._buckets = allowance.open_socket(now)
        self._auths = TokenBucket(MAX_AUTH_BURST, auths_per_second, now)
        self._consecutive_invalid = 0
        self._consecutive_limited = 0

    @property
    def reads(self) -> ReadBudget:
        """How much all sockets of the user may read."""
        return self._allowance.reads

    def close(self, now: float) -> None:
        """Return the socket's buckets to the user's allowance."""
        self._allowance.close_socket(self._buckets, now)

    def parse(self, text: str, now: float) -> AnyCommand | Rejected:
        """Parse one text frame and apply the limits to it."""
        buckets = self._buckets
        # Before the frame is parsed: rejecting a flood must cost less than sending it. A frame beyond the rate of
        # commands may be a join, which has its own rate.
        wait_ms = buckets.commands.wait_ms(now)
        if wait_ms and (join_wait_ms := buckets.joins.wait_ms(now)):
            return self._limited(find_id(text), min(wait_ms, join_wait_ms))
        try:
            command: AnyCommand | BadCommand = parse(text)
        except BadCommand as problem:
            command = problem
        # What is parsed beyond the rate of commands takes from the joins, so that this is bounded, too. Joins never
        # take from the commands: the send behind 500 joins must be accepted.
        is_join = type(command) is Join
        join_wait_ms = (buckets.joins if is_join or wait_ms else buckets.commands).take(now)
        if is_join:
            wait_ms = join_wait_ms
        if wait_ms:
            return self._limited(command.id, wait_ms)
        if isinstance(command, BadCommand):
            return self._invalid(command)
        if isinstance(command, LoggedCommand):
            rejected = self._check_logged(command, now)
            if rejected is not None:
                return rejected
        elif isinstance(command, Auth):
            wait_ms = self._auths.take(now) or self._allowance.auths.take(now)
            if wait_ms:
                return self._limited(command.id, wait_ms)
        self._consecutive_invalid = self._consecutive_limited = 0
        return command

    def _check_logged(self, command: LoggedCommand, now: float) -> Rejected | None:
        problem = (
            text_error(command.text, self._limits.text_chars, id=command.id)
            if isinstance(command, _WITH_TEXT)
            else None
        )
        if problem is not None:
            return Rejected(problem)
        wait_ms = self._buckets.sends.take(now) or self._allowance.sends.take(now)
        return self._limited(command.id, wait_ms) if wait_ms else None

    def _limited(self, id: str | None, wait_ms: int) -> Rejected:
        self._consecutive_limited += 1
        close = CloseCode.FLOODING if self._consecutive_limited > MAX_CONSECUTIVE_REJECTIONS else None
        return Rejected(error(ErrorCode.RATE_LIMITED, "too fast: slow down", id=id, retry_after_ms=wait_ms), close)

    def _invalid(self, problem: BadCommand) -> Rejected:
        self._consecutive_invalid += 1
        # A frame that is not a JSON object does not come from any client of this protocol.
        must_close = not problem.is_object or self._consecutive_invalid > MAX_CONSECUTIVE_REJECTIONS
        return Rejected(
            error(ErrorCode.BAD_REQUEST, str(problem), id=problem.id, field=problem.field),
            CloseCode.BAD_COMMANDS if must_close else None,
        )
