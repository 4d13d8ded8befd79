"""Which of the members are sampled, and which of them send: the order of joining is the order of the fan-out."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(members: Sequence[T], count: int) -> list[T]:
    """`count` members at equal distances, the first and the last among them."""
    last = len(members) - 1
    return [members[round(i * last / max(1, count - 1))] for i in range(min(count, len(members)))]


def spread_inner(members: Sequence[T], count: int) -> list[T]:
    """`count` members in the middle of equal parts; for 1 the one in the middle."""
    return [members[(2 * i + 1) * len(members) // (2 * count)] for i in range(count)]
