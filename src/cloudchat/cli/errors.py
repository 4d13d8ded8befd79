"""Report a problem to the operator: as an error that ends the command, or as a warning.

A separate module, so that its users do not load the rest of the command line.
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
