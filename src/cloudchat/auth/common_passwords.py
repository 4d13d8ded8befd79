"""The blocklist: passwords that a guesser tries first. The words come with the package `zxcvbn`."""

import threading

from zxcvbn import zxcvbn  # type: ignore[import-untyped]

_CONTEXT = ("cloudchat", "chat")
_LONGEST = 64  # its work grows with the square of the length; what follows can only make a guess harder
_LEAST_SCORE = 2  # 0 and 1 fall within 10⁶ guesses: what an attacker can try online
_one_at_a_time = threading.Lock()  # zxcvbn keeps the context words of a call in a global variable


def is_guessable(password: str, username: str) -> bool:
    """Whether the password is hardly more than common words, rows of keys, repetitions, or the user's own name."""
    with _one_at_a_time:
        result = zxcvbn(password[:_LONGEST], user_inputs=[username, *_CONTEXT])
    return int(result["score"]) < _LEAST_SCORE
