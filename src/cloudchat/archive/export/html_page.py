"""One HTML page with a whole room: no script, nothing from the network, readable in light and in dark.

Names and texts come from users. Everything is escaped, and a Content-Security-Policy allows nothing but this style.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cloudchat.archive.export.sentences import sentence_of

Quoted = dict[int, tuple[str, str]]
"""The author's name and the text of messages, by their seqs."""
_MAX_QUOTE_CHARACTERS = 120
_URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'*_~]")
# Not allowed in HTML, or invisible and able to reorder the text around them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d8dee4; --paper: #fff; --link: #0a58ca; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --soft: #9aa4af; --line: #343b43; --paper: #14171a; --link: #7db4ff; }
}
body { margin: 0 auto; max-width: 46rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
a { color: var(--link); }
header, footer, time, .mark, .notice { color: var(--soft); }
h1 { color: var(--ink); margin: 0; }
h2 { border-bottom: 1px solid var(--line); font-size: 1rem; margin: 2rem 0 1rem; padding: .25rem 0; position: sticky;
  top: 0; background: var(--paper); }
article { margin: .75rem 0; }
article:target { outline: 2px solid var(--link); outline-offset: .25rem; }
article p { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
time, .mark, .notice, footer { font-size: .875rem; }
blockquote { border-left: 3px solid var(--line); margin: .25rem 0; padding: 0 .5rem; overflow-wrap: anywhere; }
ul { display: flex; flex-wrap: wrap; gap: .25rem; list-style: none; margin: .25rem 0 0; padding: 0; }
li { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; }
@media print { h2 { position: static; } article { break-inside: avoid; } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def write_html(description: dict[str, Any], pages: Iterable[tuple[list[dict[str, Any]], Quoted]]) -> Iterator[bytes]:
    """Yield the parts of the file: the head, the rows of each page with the messages that they quote, the end."""
    yield _head(description).encode()
    day, rows = "", 0
    for page, quoted in pages:
        parts = []
        for row in page:
            if row["at"][:10] != day:
                day = row["at"][:10]
                parts.append(f'<h2><time datetime="{_text(day)}">{_text(day)}</time></h2>\n')
            parts.append(_notice(row) if row["type"] == "notice" else _message(row, quoted))
        rows += len(page)
        yield "".join(parts).encode()
    yield f"</main>\n<footer>The end of the export: {rows} messages and notices.</footer>\n</html>\n".encode()


def _head(description: dict[str, Any]) -> str:
    room = description["room"]
    members = description["members"]
    title = _text(room["name"] or ", ".join(member["name"] for member in members))
    topic = f'<p dir="auto">{_text(room["topic"])}</p>\n' if room["topic"] else ""
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="referrer" content="no-referrer">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n"
        f'<header>\n<h1 dir="auto">{title}</h1>\n{topic}<p>A {_text(room["kind"])} room with {len(members)} members, '
        f"exported from cloudchat at {_text(description['exported_at'])}. All times are in UTC.</p>\n"
        "</header>\n<main>\n"
    )


def _message(row: dict[str, Any], quoted: Quoted) -> str:
    marks = ""
    if row["user"].get("bot"):
        marks += ' <span class="mark">bot</span>'
    if "edited_at" in row:
        marks += f' <span class="mark" title="{_text(row["edited_at"])}">edited</span>'
    if "deleted_at" in row:
        body = '<p class="notice">This message was deleted.</p>'
    else:
        body = f'<p dir="auto">{_linked(row["text"])}</p>'
    quote = _quote(row["reply_to"], quoted) if "reply_to" in row else ""
    return (
        f'<article id="m{row["seq"]}"><b><bdi>{_text(row["user"]["name"])}</bdi></b> {_time(row)}{marks}\n'
        f"{quote}{body}{_reactions(row)}</article>\n"
    )


def _notice(row: dict[str, Any]) -> str:
    return f'<article class="notice" id="m{row["seq"]}"><bdi>{_text(sentence_of(row))}</bdi> {_time(row)}</article>\n'


def _quote(seq: int, quoted: Quoted) -> str:
    if seq not in quoted:
        return '<blockquote class="notice">A reply to a message that is not there any more</blockquote>\n'
    name, text = quoted[seq]
    short = text if len(text) <= _MAX_QUOTE_CHARACTERS else f"{text[:_MAX_QUOTE_CHARACTERS]}…"
    shown = _text(" ".join(short.split())) or "This message was deleted."
    return f'<blockquote><a href="#m{seq}"><bdi>{_text(name)}</bdi></a> <bdi>{shown}</bdi></blockquote>\n'


def _reactions(row: dict[str, Any]) -> str:
    if not row.get("reactions"):
        return ""
    items = (
        f'<li title="{_text(", ".join(user["name"] for user in used["users"]))}">'
        f"{_text(used['emoji'])} {len(used['users'])}</li>"
        for used in row["reactions"]
    )
    return f"<ul>{''.join(items)}</ul>"


def _time(row: dict[str, Any]) -> str:
    at = _text(row["at"])
    return f'<time datetime="{at}"><a href="#m{row["seq"]}">{at[11:16]}</a></time>'


def _linked(text: str) -> str:
    parts, end = [], 0
    for match in _URL.finditer(text):
        url = _text(match[0])
        parts.append(f'{_text(text[end : match.start()])}<a href="{url}" rel="noopener noreferrer">{url}</a>')
        end = match.end()
    return "".join([*parts, _text(text[end:])])


def _text(text: str) -> str:
    return html.escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))
