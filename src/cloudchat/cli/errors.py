"""What a command tells the operator about a problem: an error that ends it, or a warning.

A module of its own because nothing else of the command line is loaded where it is needed.
"""

import sys


class CommandError(Exception):
    """The command cannot be carried out. The message is one line: what happened, then what to do."""


def warn(text: str) -> None:
    """Print one line on standard error; the command continues."""
    print(f"cloudchat: warning: {text}", file=sys.stderr, flush=True)


def note(text: str) -> None:
    """Print one line on standard error that is not a problem: what the command acts on."""
    print(f"cloudchat: {text}", file=sys.stderr, flush=True)
