"""The Markdown files of the checkout: their links, the files and commands that they name."""

import functools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]

_FENCE = re.compile(r"^( *)```(?P<language>\w*)\n(?P<code>.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4,}(?=\S)(?!- )(?P<line>.*)$", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`(?P<code>[^`]+)`(?!`)")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)|<(?P<url>https?://[^>\s]+)>")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$", re.MULTILINE)
_CONTINUED = re.compile(r"\\\n\s*")
_DRAWING = re.compile(r"[\u2500-\u25ff]")  # lines, boxes and arrow heads
_SHELLS = ("", "sh", "bash", "console")


@dataclass(frozen=True)
class Command:
    """One command of a document. `complete`: from a code block, to be typed as it is; else a mention in a sentence."""

    document: str
    text: str
    complete: bool

    def __str__(self) -> str:
        return f"{self.document}: {self.text}"


@functools.cache
def documents() -> list[Path]:
    """Return every Markdown file that is part of the project."""
    found = []
    for folder, subfolders, files in os.walk(CHECKOUT):
        subfolders[:] = [name for name in subfolders if not _is_generated(name)]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def links(document: Path) -> list[str]:
    """Return the targets of all links and images outside of code."""
    text = _INLINE.sub("", _without_blocks(document.read_text()))
    return [found["target"] or found["url"] for found in _LINK.finditer(text)]


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub makes for the headings."""
    found: set[str] = set()
    for heading in _HEADING.finditer(_without_blocks(document.read_text())):
        anchor = re.sub(r"[^\w -]", "", heading["title"].lower()).replace(" ", "-")
        numbered = (f"{anchor}-{number}" for number in range(1, 100))
        found.add(anchor if anchor not in found else next(one for one in numbered if one not in found))
    return found


def inline_code(document: Path) -> list[str]:
    """Return what stands between backticks in sentences and tables."""
    text = _FENCE.sub("", document.read_text())
    return [" ".join(found["code"].split()) for found in _INLINE.finditer(text)]


def commands(*programs: str) -> list[Command]:
    """Return the commands of all documents that begin with one of `programs`, each once."""
    found: dict[str, Command] = {}
    for document in documents():
        name = document.relative_to(CHECKOUT).as_posix()
        for text, complete in _code(document):
            for part in re.split(r"\s(?:\||·|&&)\s|;\s", text):
                if _DRAWING.search(part):
                    continue
                if any(part.startswith(f"{program} ") for program in programs):
                    command = Command(name, part.strip(), complete)
                    found.setdefault(f"{command.text} {complete}", command)
    return [found[key] for key in sorted(found)]


def _code(document: Path) -> Iterator[tuple[str, bool]]:
    text = _CONTINUED.sub("", document.read_text())
    for fence in _FENCE.finditer(text):
        if fence["language"] in _SHELLS:
            yield from ((line.strip(), True) for line in fence["code"].splitlines())
    text = _FENCE.sub("", text)
    yield from ((found["line"], True) for found in _INDENTED.finditer(text))
    yield from ((code, False) for code in inline_code(document))


def _without_blocks(text: str) -> str:
    return _INDENTED.sub("", _FENCE.sub("", text))


def _is_generated(folder: str) -> bool:
    return folder in ("node_modules", "var", "dist") or (folder.startswith(".") and folder != ".github")
