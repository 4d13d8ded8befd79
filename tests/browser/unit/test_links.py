"""links.js: what becomes a link, and what stays text."""

import pytest


def links(modules, text):
    parts = modules('const { splitLinks } = await load("links"); return splitLinks(argument);', text)
    assert "".join(part["text"] for part in parts) == text
    return [part["href"] for part in parts if part["href"] is not None]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://example.org/a?b=c#d now", ["https://example.org/a?b=c#d"]),
        ("HTTP://EXAMPLE.org", ["http://example.org/"]),
        ("(https://example.org/x).", ["https://example.org/x"]),
        ("https://example.org/wiki/Cloud_(sky)", ["https://example.org/wiki/Cloud_(sky)"]),
        ("https://a.example and https://b.example!", ["https://a.example/", "https://b.example/"]),
    ],
)
def test_web_addresses_become_links(modules, text, found):
    assert links(modules, text) == found


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://example.org/",
        "https://",
        "https://bank.example@evil.example/",
        "no link at all",
        "",
    ],
)
def test_anything_else_stays_text(modules, text):
    assert links(modules, text) == []
