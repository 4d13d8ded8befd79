"""The HTML of a room: readable, complete, and safe with any names and texts."""

import re
from html.parser import HTMLParser
from typing import Any

from cloudchat.archive.export.html_page import write_html

HOSTILE = "</style><script>alert(1)</script>\"'&\x00\u202e<img src=x onerror=alert(1)>"
DESCRIPTION = {
    "exported_at": "2026-11-28T16:00:00.000Z",
    "room": {"name": "garden", "kind": "public", "topic": "plants"},
    "members": [{"id": "a", "name": "ann", "role": "owner"}],
}


class Elements(HTMLParser):
    """Collects the elements of a page and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def message(seq: int, text: str, **fields: Any) -> dict[str, Any]:
    at = f"2026-11-{20 + seq // 10:02d}T12:00:{seq:02d}.000Z"
    return {"type": "message", "seq": seq, "user": {"id": "a", "name": "ann"}, "text": text, "at": at, **fields}


def page_of(*rows: dict[str, Any], quoted: dict[int, tuple[str, str]] | None = None, **room: str) -> str:
    description = {**DESCRIPTION, "room": {**DESCRIPTION["room"], **room}}  # type: ignore[dict-item]
    return b"".join(write_html(description, [(list(rows), quoted or {})])).decode()


def test_a_page_has_everything() -> None:
    page = page_of(
        {**message(1, ""), "type": "notice", "kind": "renamed", "value": "garden"},
        message(2, "hello\nhttps://example.org/a?b=1&c=2.", edited_at="2026-11-20T12:30:00.000Z"),
        message(3, "a reply", reply_to=2, reactions=[{"emoji": "🎉", "users": [{"name": "ann"}, {"name": "bob"}]}]),
        message(12, "", deleted_at="2026-11-21T12:30:00.000Z"),
        message(13, "a bot", user={"id": "b", "name": "deploy", "bot": True}, reply_to=1),
        quoted={2: ("ann", "hello\nyou")},
    )
    for part in (
        "ann renamed the room to garden",
        '<a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer">',
        '<article id="m3">',
        '<blockquote><a href="#m2"><bdi>ann</bdi></a> <bdi>hello you</bdi></blockquote>',
        '<li title="ann, bob">🎉 2</li>',
        "This message was deleted.",
        "A reply to a message that is not there any more",
        "5 messages and notices",
        "prefers-color-scheme: dark",
    ):
        assert part in page, part
    assert page.count("<h2>") == 2, "one separator for each day"


def test_hostile_names_and_texts_are_only_text() -> None:
    user = {"id": "a", "name": HOSTILE}
    page = page_of(
        message(1, HOSTILE, user=user, reply_to=2, reactions=[{"emoji": HOSTILE, "users": [user]}]),
        {**message(2, ""), "type": "notice", "kind": HOSTILE, "user": user, "target": user, "value": HOSTILE},
        message(3, 'https://example.org/"onmouseover="alert(1) javascript:alert(1) {user}'),
        quoted={2: (HOSTILE, HOSTILE)},
        name=HOSTILE,
        topic=HOSTILE,
        kind=HOSTILE,
    )
    elements = Elements(page)
    assert not {"script", "img", "iframe", "object", "form", "link", "base"} & set(elements.tags)
    assert not [name for name, _ in elements.attributes if name.startswith("on") or name in ("src", "style")]
    links = [value for name, value in elements.attributes if name == "href"]
    assert all(re.match(r"#m\d+$|https?://", link or "") for link in links), links
    assert not re.search("[\x00\u202e]", page)
    assert "alert(1)" in elements.text


def test_nothing_comes_from_the_network() -> None:
    page = page_of(message(1, "x"))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'", policy[1]
    )
    assert "url(" not in page
