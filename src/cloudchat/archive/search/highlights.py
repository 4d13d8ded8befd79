"""Where a text has what was searched for. Sans-I/O."""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from cloudchat.archive.search.query import Clause, Query
from cloudchat.core.search_terms import Token, camel_parts, composed, tokens

Span = tuple[int, int]


def highlights(text: str, query: Query) -> list[Span]:
    """Return the [start, end) of each match, in code points of `text`, in their order and without overlaps."""
    normal = composed(text)
    words = _Words(list(tokens(normal)), camel_parts(normal))
    spans = _merged(span for clause in query.wanted for span in words.matches(clause))
    if len(normal) == len(text):
        return spans
    place = _original_places(text)
    return [(place[start], place[end]) for start, end in spans]


class _Words:
    """The words of a text, by their terms."""

    def __init__(self, in_order: Sequence[Token], parts: Iterable[Token]) -> None:
        self._in_order = in_order
        self._spans: dict[str, list[Span]] = {}
        for term, start, end in (*in_order, *parts):
            self._spans.setdefault(term, []).append((start, end))
        self._sorted = sorted(self._spans)

    def matches(self, clause: Clause) -> Iterator[Span]:
        """Yield the places of a word or a phrase."""
        if len(clause.terms) > 1:
            yield from self._phrases(clause)
        elif not clause.is_prefix:
            yield from self._spans.get(clause.terms[0], ())
        else:
            (beginning,) = clause.terms
            following = self._sorted[bisect_left(self._sorted, beginning) :]
            for term in takewhile(lambda term: term.startswith(beginning), following):
                yield from self._spans[term]

    def _phrases(self, clause: Clause) -> Iterator[Span]:
        first, last = clause.terms[0], len(clause.terms) - 1
        pattern = clause.pattern()
        for place in range(len(self._in_order) - last):
            if self._in_order[place].term == first:
                found = self._in_order[place : place + last + 1]
                if f" {' '.join(token.term for token in found)} ".startswith(pattern):
                    yield found[0].start, found[last].end


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _original_places(text: str) -> list[int]:
    """Return for each place in the composed text the place in `text`, which is longer."""
    places = [0]
    for end in range(1, len(text) + 1):
        if end == len(text) or not unicodedata.combining(text[end]):
            places += [end] * (len(composed(text[:end])) - len(places) + 1)
    return places
