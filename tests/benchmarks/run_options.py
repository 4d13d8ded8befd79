"""What the measurements of one run share."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.generator import Generator
from benchmarks.results import Table


@dataclass
class Run:
    """One run: how long it may take, its programs, and its table.

    Args:
        rounds: How often each load is measured.
        seconds: Length of one load.
        members: Members of the room under load.
        idle: Members whose memory is measured.
        returning: Clients that lose their server.
    """

    generator: Generator
    table: Table
    rounds: int
    seconds: float
    members: int
    idle: int = 10_000
    returning: int = 3_000

    @property
    def servers(self) -> Sequence[str]:
        return self.table.servers


def log(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)
