"""One exposition of several processes, whose label `worker` tells them apart.

They are not added up: a worker that is missing now and then, for it is blocked, or another one took its place, would
let the sum fall. Prometheus takes that for a start from nothing, and then all that was ever counted for new.
"""

import re
from collections.abc import Sequence

_FAMILY = re.compile(rb"(# HELP .*\n# TYPE .*\n)((?:[^#].*\n)*)")


def join(texts: Sequence[bytes]) -> bytes:
    """Put expositions in Prometheus's text format together; it wants all lines of one metric in one place."""
    families: dict[bytes, bytes] = {}
    for text in texts:
        for head, samples in _FAMILY.findall(text):
            families[head] = families.get(head, b"") + samples
    return b"".join(head + samples for head, samples in families.items())
