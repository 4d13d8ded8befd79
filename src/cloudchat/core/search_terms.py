"""From the text of a message to the terms under which a search finds it. The same rule reads queries.

A term is a word in lower case and without diacritics: a search for `cafe` finds "Café", and one for `strasse` finds
"Straße". Everything that is neither a letter, a digit nor a symbol separates words: `snake_case`, URLs and addresses
are words in a row.

- Scripts without spaces between words (Chinese, Japanese, Thai and others, also Korean) become pairs of characters that
  overlap, and the last character of the run: each substring of the run is a row of these terms.
- A symbol, such as an emoji, is a term.
- Words in camel case are also found by their later parts: `getUserName` by `username` and by `name`. These terms follow
  after `|`, so that they do not stand between the words of a phrase.

Both databases index these terms, and not the text: their own rules differ from each other, depend on the locale of the
server, and do not find words of two Chinese characters.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MAX_TERM_CHARACTERS = 64
"""A longer word becomes several terms. PostgreSQL rejects terms of more than 2046 bytes."""
MAX_CAMEL_PARTS = 8
"""A word with more parts is an identifier that a program made, such as base64: it is found as a whole only."""
PARTS = "|"
"""Stands between the words of a text and the parts of its words in camel case."""

# Thai, Lao, Tibetan, Myanmar, Khmer; Chinese, kana, bopomofo, Hangul.
_PAIRED = (
    "\u0e01-\u0e4e\u0e81-\u0ece\u0f40-\u0fbc\u1000-\u103f\u1780-\u17d3"
    "\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_SYMBOLS = "\u2190-\u245f\u2500-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff"  # not the tones of skin
# Space, punctuation, signs, and control characters. `\w` is no help: it does not match the vowel signs of many scripts.
_SEPARATORS = (
    r"\s\x00-/:-@\[-`{-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u02c2-\u02df\u037e\u0387\u055a-\u055f\u0589\u058a"
    r"\u05be\u05c0\u05c3\u05f3\u05f4\u060c\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u0970\u0df4\u0e3f\u0e4f\u0e5a\u0e5b"
    r"\u0f00-\u0f14\u104a-\u104f\u1361-\u1368\u17d4-\u17da\u2000-\u200b\u200e-\u206f\u20a0-\u20cf\u2460-\u24ff\u2e00-\u2fff"
    r"\u3000-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ud800-\uf8ff\ufd3e\ufd3f\ufe00-\ufe1f\ufe30-\ufe6f\ufeff"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f3fb-\U0001f3ff\U000e0000-\U0010ffff"
)
# Without these a word is the same word: diacritics, vowel points, and what joins letters. The vowel signs of Indic
# scripts are letters to their readers.
_DROPPED = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_NOT_IN_TERMS = re.compile(r"[\x00-/:-@\[-`{-\x7f\s]+")  # some characters are short for several, with spaces
_WITHOUT_DECOMPOSITION = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t"}
)

_ASCII_WORD = re.compile(rf"[A-Za-z0-9]{{1,{MAX_TERM_CHARACTERS}}}")
_TOKEN = re.compile(
    rf"(?P<run>[{_PAIRED}]+)|(?P<symbol>[{_SYMBOLS}])"
    rf"|(?P<word>[^{_SEPARATORS}{_PAIRED}{_SYMBOLS}]{{1,{MAX_TERM_CHARACTERS}}})"
)
_PAIRED_CHARACTER = re.compile(f"[{_PAIRED}]")
_CAMEL_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Matches where there is a boundary. It looks at capitals only: 1 µs for 100 characters without one, instead of 11 µs.
_CAMEL_CASE = re.compile(r"[A-Z](?:(?<=[a-z0-9][A-Z])|(?=[A-Z][a-z]))")


class Token(NamedTuple):
    """A term at its place in a text, in code points. The end is exclusive."""

    term: str
    start: int
    end: int


def search_terms(text: str) -> str:
    """Return the terms of a message's text, separated by single spaces. Empty for a text without words."""
    text = composed(text)
    lower = text.lower()
    if text.isascii():
        words = _ASCII_WORD.findall(lower)
    else:
        words = [term for match in _TOKEN.finditer(text) for term in _terms(match)]
    if lower != text and _CAMEL_CASE.search(text) is not None and (parts := [part.term for part in camel_parts(text)]):
        words += [PARTS, *parts]
    return " ".join(words)


def tokens(text: str) -> Iterator[Token]:
    """Yield the terms of a composed text in their order, without the parts of words in camel case."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "run":
            for start, term in enumerate(_terms(match), match.start()):
                yield Token(term, start, start + len(term))
        else:
            for term in _terms(match):
                yield Token(term, match.start(), match.end())


def camel_parts(text: str) -> Iterator[Token]:
    """Yield for each word in camel case its parts after the first one, each to the end of the word."""
    for match in _ASCII_WORD.finditer(text):
        boundaries = [boundary.start() for boundary in _CAMEL_BOUNDARY.finditer(match[0])]
        if len(boundaries) < MAX_CAMEL_PARTS:
            for boundary in boundaries:
                yield Token(match[0][boundary:].lower(), match.start() + boundary, match.end())


def composed(text: str) -> str:
    """Return the text in Unicode's normalization form C, in which letters and their diacritics are one character."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_paired(term: str) -> bool:
    """Return whether the term is of a script without spaces between words."""
    return _PAIRED_CHARACTER.match(term) is not None


def _terms(match: re.Match[str]) -> list[str]:
    found = match[0]
    if match.lastgroup != "run":
        term = found.lower() if found.isascii() else _folded(found)
        return [term] if term else []
    if not unicodedata.is_normalized("NFKC", found):
        # Each character must stay one: the first of those that it is short for is as good.
        found = "".join(unicodedata.normalize("NFKC", character)[0] for character in found)
    return [found[place : place + 2] for place in range(len(found))]


def _folded(word: str) -> str:
    # The decomposition of a mathematical letter (𝐀) is a capital, so the case is folded after it, too.
    folded = _DROPPED.sub("", unicodedata.normalize("NFKD", word.casefold())).casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", folded.translate(_WITHOUT_DECOMPOSITION))
    return _NOT_IN_TERMS.sub("", folded)
