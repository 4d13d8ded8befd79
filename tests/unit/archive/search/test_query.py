"""The grammar of queries."""

import pytest

from cloudchat.archive.search.index_query import MAX_INDEXED_TERMS, exact_query, fts5, tsquery, wide_query
from cloudchat.archive.search.query import MAX_QUERY_CHARACTERS, MAX_TERMS, parse_query
from cloudchat.auth.errors import InvalidField


def parsed(text: str) -> list[str]:
    """Return the clauses as `-"pattern"`."""
    return [f"{'-' if clause.negated else ''}{clause.pattern()!r}" for clause in parse_query(text).clauses]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("one two", ["' one'", "' two'"]),
        ("of it", ["' of '", "' it '"]),
        ("one ONE Oné", ["' one'"]),
        ('"Two Words" x', ["' two words '", "' x '"]),
        ('word -not -"a phrase"', ["' word'", "-' not'", "-' a phrase '"]),
        ("well-known", ["' well known'"]),
        ("ann@example.com", ["' ann example com'"]),
        ('"open end', ["' open end '"]),
        ('a"b c"d', ["' a '", "' b c '", "' d '"]),
        ("„gut“ «bon»", ["' gut '", "' bon '"]),
        ('word - -- "" "-" *', ["' word'"]),
        ("AND OR NOT", ["' and'", "' or '", "' not'"]),
        ("会议", ["' 会议 '"]),
        ("会", ["' 会'"]),
        ("会议记", ["' 会议 议记 '"]),
        ('"会"', ["' 会'"]),
        ("iphone手", ["' iphone 手'"]),
    ],
)
def test_clauses(text: str, clauses: list[str]) -> None:
    assert parsed(text) == clauses


@pytest.mark.parametrize(
    "text", ["", "  ", '"', "-", "-only -negations", "?!*()^:", "\x00", '""""', "\u200b", "\ud800"]
)
def test_a_query_without_words_is_rejected(text: str) -> None:
    with pytest.raises(InvalidField, match="at least one word"):
        parse_query(text)


@pytest.mark.parametrize("text", ["x" * (MAX_QUERY_CHARACTERS + 1), " ".join(f"w{n}" for n in range(MAX_TERMS + 1))])
def test_a_query_that_is_too_large_is_rejected(text: str) -> None:
    with pytest.raises(InvalidField, match="at most"):
        parse_query(text)


def test_the_indexes_get_terms_without_operators() -> None:
    query = parse_query('Deploy "of it" -other')
    exact = exact_query(query, ["Room-1"], "Ann_")
    assert fts5(exact) == '"deploy"* AND "of" AND "it" AND ("_room-1") AND "@ann_"'
    assert tsquery(exact) == "'deploy':* & 'of' & 'it' & ('_room-1') & '@ann_'"
    assert [clause.pattern() for clause in exact.conditions] == [" of it ", " other"]


def test_a_wide_query_has_short_prefixes_and_checks_the_rows() -> None:
    query = parse_query("deploy depot the")
    wide = wide_query(query, [], None)
    assert wide is not None
    assert fts5(wide) == '"dep"* AND "the"*'
    assert wide.conditions == query.clauses
    assert wide_query(parse_query('the "whole words" 会'), [], None) is None


def test_few_terms_are_looked_up_in_the_index() -> None:
    query = parse_query(" ".join("word" + "s" * n for n in range(20)))
    exact = exact_query(query, [], None)
    assert len(exact.terms) == MAX_INDEXED_TERMS
    assert len(exact.conditions) == 20 - MAX_INDEXED_TERMS
