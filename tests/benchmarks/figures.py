"""The arithmetic of the report: percentiles, and ratios of rounds that were measured side by side."""

import math
import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 < share ≤ 1) of `values` do not exceed (nearest rank).

    Raises ValueError when there are no values: a percentile of nothing would look like a measurement.
    """
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def paired_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of over[i] / under[i].

    Round i of both servers ran within seconds of each other, so a machine that is slower for a while slows both, and
    the quotient of a pair stays what it is; the quotient of two medians would not.
    """
    if not over:
        raise ValueError("no rounds to compare")
    return statistics.median(a / b for a, b in zip(over, under, strict=True))
