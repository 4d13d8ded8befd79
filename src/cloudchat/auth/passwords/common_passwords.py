"""The blocklist: passwords that a guesser tries first. The words come with the package `zxcvbn`."""

import threading

from zxcvbn import zxcvbn  # type: ignore[import-untyped]
from zxcvbn.matching import L33T_TABLE  # type: ignore[import-untyped]

_CONTEXT = ("cloudchat", "chat")
# What follows can only make a guess harder. The work grows with the square of the length, and with each different
# sign that may stand for a letter it doubles: 64 characters with 20 such signs take seconds.
_LONGEST = 64
_LONGEST_OF_MANY_SIGNS = 20
_MANY_SIGNS = 8
# Its own table, for whatever it takes for a sign is what costs.
_SIGNS = {sign for signs in L33T_TABLE.values() for sign in signs}
_MIN_SCORE = 2  # 0 and 1 fall within 10⁶ guesses: what an attacker can try online
_one_at_a_time = threading.Lock()  # zxcvbn keeps the context words of a call in a global variable


def is_guessable(password: str, username: str) -> bool:
    """Whether the password is hardly more than common words, rows of keys, repetitions, or the user's own name."""
    looked_at = password[:_LONGEST]
    if len(_SIGNS.intersection(looked_at)) > _MANY_SIGNS:
        looked_at = looked_at[:_LONGEST_OF_MANY_SIGNS]
    with _one_at_a_time:
        result = zxcvbn(looked_at, user_inputs=[username, *_CONTEXT])
    return int(result["score"]) < _MIN_SCORE
