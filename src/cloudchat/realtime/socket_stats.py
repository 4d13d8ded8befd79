"""What came and went through this process's sockets, in plain numbers: one event loop counts, `/metrics` reads."""

from collections import Counter


class SocketStats:
    """Counted since the process started."""

    __slots__ = ("closes", "commands", "connects", "dropped", "sends")

    def __init__(self) -> None:
        self.connects: Counter[str] = Counter()
        """Handshakes by result: `accepted`, or the code of the refusal."""
        self.closes: Counter[int] = Counter()
        """Ends by close code; 1006 is a connection that broke."""
        self.commands: Counter[tuple[str, str]] = Counter()
        """Commands by name and outcome: `accepted`, or the code of the error."""
        self.dropped: Counter[str] = Counter()
        """Frames that were not sent to somebody, by cause."""
        self.sends = 0
        """Messages that the store has written to disk, repeated ones not counted again."""
