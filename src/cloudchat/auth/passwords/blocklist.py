"""Whether a password is common: the blocklist of NIST SP 800-63B-4. The only importer of `zxcvbn`.

Its lists of common passwords, words and names stay in memory, about 12 MiB. So only `policy` imports this module, with
the first new password.
"""

import re
import threading

from zxcvbn import zxcvbn  # type: ignore[import-untyped]
from zxcvbn.matching import L33T_TABLE  # type: ignore[import-untyped]

from cloudchat.auth.passwords.policy import MIN_CHARACTERS

_CONTEXT_WORDS = ("cloudchat", "chat")
# Only a prefix is checked; the rest can only make a password harder to guess. The cost of zxcvbn grows with the square
# of the length, and doubles with each distinct character that may stand for a letter: 64 characters with 20 such
# characters take seconds.
_MAX_CHECKED_CHARACTERS = 64
_MAX_CHECKED_CHARACTERS_IF_MANY_SUBSTITUTIONS = 20
_MAX_SUBSTITUTIONS = 8
# zxcvbn's own table, because the cost depends on the characters that zxcvbn treats as substitutions.
_SUBSTITUTIONS = {character for characters in L33T_TABLE.values() for character in characters}
_LETTER_OF = {ord(character): letter for letter, characters in L33T_TABLE.items() for character in characters}
_WORD = re.compile(rf"(?:[^\W_]|[{re.escape(''.join(sorted(_SUBSTITUTIONS)))}])+")
_REPEATED = re.compile(r"(.+?)\1+", re.DOTALL)
_MIN_SCORE = 2  # scores 0 and 1 are within 10⁶ guesses, which an attacker can try online
_zxcvbn_lock = threading.Lock()  # zxcvbn stores the context words of a call in a global variable


def is_guessable(password: str, username: str) -> bool:
    """Return whether the password is mostly common words, keyboard rows, repetitions, or the user's own name."""
    unrepeated = _without_repeated_words(password)
    if len(unrepeated) < MIN_CHARACTERS:
        return True
    checked = unrepeated[:_MAX_CHECKED_CHARACTERS]
    if len(_SUBSTITUTIONS.intersection(checked)) > _MAX_SUBSTITUTIONS:
        checked = checked[:_MAX_CHECKED_CHARACTERS_IF_MANY_SUBSTITUTIONS]
    with _zxcvbn_lock:
        result = zxcvbn(checked, user_inputs=[username, *_CONTEXT_WORDS])
    return int(result["score"]) < _MIN_SCORE


def _without_repeated_words(password: str) -> str:
    """Return the password with each word once. zxcvbn takes a word that comes again for another secret."""
    seen: set[str] = set()
    kept: list[str] = []
    words = _WORD.findall(password)
    for word in words:
        key = _word_key(word)
        if key not in seen:
            seen.add(key)
            kept.append(word if len(key) > len(word) // 2 else key)
    return password if kept == words else " ".join(kept)  # signs between words count if no word is repeated


def _word_key(word: str) -> str:
    """Return what the variants of a word have in common: case, digits around it, look-alike signs, direction."""
    key = word.casefold()
    letters = key.strip("".join(character for character in set(key) if not character.isalpha())) or key
    plain = letters.translate(_LETTER_OF)
    if repeated := _REPEATED.fullmatch(plain):
        plain = repeated.group(1)
    return min(plain, plain[::-1])
