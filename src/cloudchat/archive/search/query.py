"""What a person searches for: words in any order, `"a phrase"`, and `-not`. Sans-I/O."""

import re

from msgspec import Struct

from cloudchat.auth.errors import InvalidField
from cloudchat.core.search_terms import composed, is_paired, tokens

MAX_QUERY_CHARACTERS = 1000
MAX_TERMS = 64
MIN_PREFIX_CHARACTERS = 3
"""Shorter words are found as whole words only."""

_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))  # as phones write them
_PART = re.compile(r'(?P<negated>-?)(?:"(?P<phrase>[^"]*)(?:"|\Z)|(?P<word>[^\s"]+))')


class Clause(Struct, frozen=True):
    """A word or a phrase: terms that stand beside each other.

    Attributes:
        is_prefix: Whether the last term is only the beginning of a word.
        negated: Whether the clause must not be in the message.
    """

    terms: tuple[str, ...]
    is_prefix: bool
    negated: bool

    def pattern(self) -> str:
        """Return what stands in the terms of a message, between spaces, where the clause matches."""
        return f" {' '.join(self.terms)}{'' if self.is_prefix else ' '}"


class Query(Struct, frozen=True):
    """All clauses: a message matches if it has those that are not negated, and none of the others."""

    clauses: tuple[Clause, ...]

    @property
    def wanted(self) -> tuple[Clause, ...]:
        """The clauses that are not negated."""
        return tuple(clause for clause in self.clauses if not clause.negated)


def parse_query(text: str) -> Query:
    """Return the query. A quote without its end ends with the text; other signs only separate words.

    Raises InvalidField if there is nothing to search for, or too much.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        raise InvalidField("q", f"a search may have at most {MAX_QUERY_CHARACTERS} characters")
    parts = map(_clause, _PART.finditer(composed(text.translate(_QUOTES))))
    query = Query(tuple(dict.fromkeys(clause for clause in parts if clause.terms)))
    if not query.wanted:
        raise InvalidField("q", "write at least one word that the messages must have")
    if sum(len(clause.terms) for clause in query.clauses) > MAX_TERMS:
        raise InvalidField("q", f"a search may have at most {MAX_TERMS} words")
    return query


def _clause(part: re.Match[str]) -> Clause:
    phrase = part["phrase"]
    terms = [token.term for token in tokens(part["word"] if phrase is None else phrase)]
    if len(terms) > 1 and is_paired(terms[-1]) and len(terms[-1]) == 1 and is_paired(terms[-2]):
        terms.pop()  # the last character of a run, which the pair before has already; the message may go on there
    last = terms[-1] if terms else ""
    begins_pair = len(last) == 1 and is_paired(last)
    begins_word = phrase is None and len(last) >= MIN_PREFIX_CHARACTERS
    return Clause(tuple(terms), begins_pair or begins_word, bool(part["negated"]))
