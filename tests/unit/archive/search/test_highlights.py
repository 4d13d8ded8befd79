"""Where a text has what was searched for."""

import pytest

from cloudchat.archive.search.highlights import highlights
from cloudchat.archive.search.query import parse_query


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("cafe", "Ein Café, CAFETERIA", ["Café", "CAFETERIA"]),
        ("of", "of offer", ["of"]),
        ("one two", "two and one", ["two", "one"]),
        ('"one two"', "one two, one. Two one", ["one two", "one. Two"]),
        ("example.com/pat", "see http://example.com/path now", ["example.com/path"]),
        ("会议记录", "今天的会议记录在东京", ["会议记录"]),
        ("会", "开会了", ["会了"]),
        ("name", "call getUserName now", ["Name"]),
        ("user_name", "user_name", ["user_name"]),
        ("one -two", "one two", ["one"]),
        ("👍", "ok 👍🏽", ["👍"]),
        ("cafe x", "a cafe\u0301 x cafe\u0301", ["cafe\u0301", "x", "cafe\u0301"]),
        ("missing", "text", []),
    ],
)
def test_matches_are_marked_in_code_points(query: str, text: str, marked: list[str]) -> None:
    spans = highlights(text, parse_query(query))
    assert [text[start:end] for start, end in spans] == marked


def test_overlapping_matches_are_one() -> None:
    assert highlights("会议记录", parse_query("会议 议记")) == [(0, 3)]
