"""A query in the languages of the full-text indexes of SQLite (FTS5) and of PostgreSQL. Sans-I/O.

Terms have no character that means something in these languages (`core/search_terms.py`), and ids of rooms and users
have none either. The index has no positions: it finds the messages that have all terms, and conditions on their rows
check the rest.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, field

from cloudchat.archive.search.query import Clause, Query

MAX_INDEXED_TERMS = 8
"""More of them find hardly less, and SQLite cannot be interrupted while it intersects them."""
WIDE_PREFIX_CHARACTERS = 3
"""The prefixes that SQLite's index has of each word (`prefix` in migration 0009)."""

Term = tuple[str, bool]
"""A term, and whether it is only the beginning of one."""


class IndexQuery(Struct, frozen=True):
    """What the index is asked for, and what the found rows must have besides.

    Attributes:
        terms: A message must have all of them.
        rooms: It must be in one of these rooms; empty: the index is not asked for rooms.
        user: The author's id, if it matters.
        conditions: What the row's terms must have, and, where `negated`, must not have.
    """

    terms: Sequence[Term]
    conditions: Sequence[Clause]
    rooms: Sequence[str] = field(default=())
    user: str | None = None


def exact_query(query: Query, rooms: Sequence[str], user: str | None) -> IndexQuery:
    """Return the query in which the index looks up each prefix as it is."""
    terms = _indexed_terms(query)
    complete = {clause for clause in query.wanted if len(clause.terms) == 1 and set(_terms(clause)) <= set(terms)}
    return IndexQuery(terms, [clause for clause in query.clauses if clause not in complete], rooms, user)


def wide_query(query: Query, rooms: Sequence[str], user: str | None) -> IndexQuery | None:
    """Return a query with the same result in which no prefix is longer than the index has them.

    None if `exact_query` has no longer ones.
    """
    terms = _indexed_terms(query)
    if not any(_is_long_prefix(term) for term in terms):
        return None
    short = dict.fromkeys(
        (term[:WIDE_PREFIX_CHARACTERS], True) if _is_long_prefix((term, p)) else (term, p) for term, p in terms
    )
    return IndexQuery(list(short), query.clauses, rooms, user)


def fts5(query: IndexQuery) -> str:
    """Return the right side of `MATCH`."""
    return _rendered(query, " AND ", " OR ", lambda term, is_prefix: f'"{term}"{"*" if is_prefix else ""}')


def tsquery(query: IndexQuery) -> str:
    """Return the text of a `tsquery`."""
    return _rendered(query, " & ", " | ", lambda term, is_prefix: f"'{term}'{':*' if is_prefix else ''}")


def _rendered(query: IndexQuery, and_: str, or_: str, term: Callable[[str, bool], str]) -> str:
    # Ids are lower-case in the index. Two that differ only in case share their term; the SQL compares the ids.
    parts = [term(text, is_prefix) for text, is_prefix in query.terms]
    if query.rooms:
        parts.append(f"({or_.join(term(f'_{room.lower()}', False) for room in query.rooms)})")
    if query.user is not None:
        parts.append(term(f"@{query.user.lower()}", False))
    return and_.join(parts)


def _indexed_terms(query: Query) -> list[Term]:
    """Return the terms for the index: the longest ones, because most of them are rare."""
    found = dict.fromkeys(term for clause in query.wanted for term in _terms(clause))
    return sorted(found, key=lambda term: -len(term[0].encode()))[:MAX_INDEXED_TERMS]


def _terms(clause: Clause) -> Iterable[Term]:
    last = len(clause.terms) - 1
    return ((term, clause.is_prefix and place == last) for place, term in enumerate(clause.terms))


def _is_long_prefix(term: Term) -> bool:
    return term[1] and len(term[0]) > WIDE_PREFIX_CHARACTERS
