"""Scripts of characters, and which texts look alike (Unicode UTS #39). The only importer of `confusable_homoglyphs`.

The package contains Unicode's tables `Scripts.txt` and `confusables.txt`. Its own functions compare two characters;
UTS #39 compares whole texts by their skeletons, so the skeleton is computed here.
"""

import functools
import json
import unicodedata
from collections.abc import Iterable
from typing import Any

_COMMON = frozenset({"COMMON", "INHERITED"})
_LEFT_TO_RIGHT_MARK = "\u200e"  # in the table, around characters that are written from right to left
# The combinations of the level "Highly Restrictive" (UTS #39 §5.2): Japanese, Chinese and Korean.
_COMBINATIONS = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)


def is_single_script(text: str) -> bool:
    """Return whether all characters are of one script, or of scripts that are written together (UTS #39 §5.1)."""
    scripts = {script for script in map(script_of, text) if script is not None}
    return len(scripts) <= 1 or any(scripts <= combination for combination in _COMBINATIONS)


def script_of(character: str) -> str | None:
    """Return the script of a character, like "LATIN"; None if it is used with all scripts."""
    script = str(_categories().alias(character))
    if script not in _COMMON:
        return script
    # The package lacks Script_Extensions, which say that ٣ (script Common) and ◌ً (Inherited) belong to Arabic. The
    # names of such characters begin with their script.
    word = unicodedata.name(character, "").partition(" ")[0].partition("-")[0]
    return word if word in _scripts() else None


def skeleton(text: str) -> str:
    """Return the form that is equal for all texts that look like this one, in whatever case they are written.

    UTS #39 §4 compares texts as they are shown. Names are equal in any case, so the case is folded after that:
    `paypaI` looks like `paypal` only with its capital letter.
    """
    shown = _prototypes_of(text)
    if shown.replace("l", "").isupper():  # between capitals, what looks like l is meant as I: ADMlN, ADM1N, ADMIN
        shown = shown.replace("l", "I")
    return _prototypes_of(shown.casefold())


def _prototypes_of(text: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).translate(_prototypes()))


@functools.cache
def _categories() -> Any:
    """Return the package's module with the table of scripts.

    Loaded with the first new name: it takes 30 ms and 1 MiB, because the package also imports `urllib.request`.
    """
    from confusable_homoglyphs import categories  # type: ignore[import-untyped]

    return categories


@functools.cache
def _scripts() -> frozenset[str]:
    return frozenset(_categories().categories_data["iso_15924_aliases"]) - _COMMON


@functools.cache
def _prototypes() -> dict[int, str]:
    """Return the prototype of each confusable character.

    The package has each line of `confusables.txt` in both directions: {"ı": ["i"], "i": ["ı", "ɩ", …]}. The prototype
    is the one with several partners. Of a pair it can be either, unless one of them is several characters, which then
    is the prototype.
    """
    from confusable_homoglyphs import utils

    with open(utils.path("confusables.json"), encoding="utf-8") as file:
        # The hook keeps "ı" of {"c": "ı", "n": "LATIN SMALL LETTER DOTLESS I"}, and so some MiB of memory free.
        table: dict[str, list[str]] = json.load(file, object_hook=_character_of)
    partners = {_plain(key): [_plain(partner) for partner in entries] for key, entries in table.items()}
    prototypes = {}
    for character, looks_like in partners.items():
        if len(character) == 1 and len(looks_like) == 1:
            group = (character, *looks_like)
            prototypes[ord(character)] = _prototype_of_pair(group) if len(partners[looks_like[0]]) == 1 else group[1]
    return prototypes


def _character_of(json_object: dict[str, Any]) -> Any:
    return json_object["c"] if isinstance(json_object.get("n"), str) else json_object


def _prototype_of_pair(pair: Iterable[str]) -> str:
    return min(pair, key=lambda text: (-len(text), text))


def _plain(text: str) -> str:
    return text.replace(_LEFT_TO_RIGHT_MARK, "")
