"""Durations as people write them: `45s`, `30m`, `12h`, `7d`."""

import argparse
import re

_SHAPE = re.compile(r"([1-9][0-9]{0,7})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> int:
    """In seconds. For argparse: raises ArgumentTypeError."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!a} is no duration; write 45s, 30m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]
