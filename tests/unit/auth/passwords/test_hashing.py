"""PasswordHasher: the rules of NIST SP 800-63B-4, argon2id, and a bound on how many are hashed at once."""

import threading
import time

import pytest

from cloudchat.auth.errors import InvalidField, PasswordHashingOverloaded
from cloudchat.auth.passwords.hashing import PasswordHasher
from support.account_services import PASSWORD, at_once


@pytest.fixture(scope="module")
def passwords() -> PasswordHasher:
    return PasswordHasher()


def test_the_hash_is_argon2id_with_the_parameters_of_owasp(passwords: PasswordHasher) -> None:
    assert passwords.hash_new(PASSWORD, username="ann").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_only_the_password_itself_fits(passwords: PasswordHasher) -> None:
    hashed = passwords.hash_new(PASSWORD, username="ann")
    assert passwords.verify(PASSWORD, hashed) == (True, None)
    for wrong in (PASSWORD + " ", PASSWORD.upper(), "", "\ud800", "x" * 100_000):
        assert passwords.verify(wrong, hashed) == (False, None)


def test_a_password_fits_in_whichever_form_a_keyboard_types_it(passwords: PasswordHasher) -> None:
    hashed = passwords.hash_new("vier ånderledes ﬁsk svømmer", username="ann")
    assert passwords.verify("vier a\u030anderledes fisk svømmer", hashed)[0]


def test_a_hash_of_weaker_parameters_is_replaced(passwords: PasswordHasher) -> None:
    from passlib.hash import argon2

    weak = argon2.using(memory_cost=8192, time_cost=1, parallelism=1).hash(PASSWORD)
    fits, better = passwords.verify(PASSWORD, weak)
    assert fits
    assert better is not None
    assert passwords.verify(PASSWORD, better) == (True, None)


@pytest.mark.parametrize("password", ["ø" * 5 + "kettle sing 42", "ten violet mice " * 16, "🦆🐎🔋📎 four birds ate"])
def test_any_unusual_password_of_15_to_256_characters_is_accepted(passwords: PasswordHasher, password: str) -> None:
    assert passwords.hash_new(password, username="ann")


@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars",
        "\ufdfa",  # one character, which becomes eighteen
        "ten violet mice " * 16 + "x",
        "five purple\nkettles sing",
        "five purple\0kettles sing",
        "five purple \ud800 kettles",
        "passwordpassword",
        "Password12345678",
        "123456789012345",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaaaaaaa",
        "cloudchatcloudchat",
        "annikaannikaannika",
    ],
)
def test_a_password_that_is_short_long_broken_or_common_is_refused(passwords: PasswordHasher, password: str) -> None:
    with pytest.raises(InvalidField) as refused:
        passwords.hash_new(password, username="annika")
    assert refused.value.field == "password"
    assert password not in str(refused.value)


def test_no_password_costs_seconds_of_the_blocklist(passwords: PasswordHasher) -> None:
    """Each sign that may stand for several letters multiplies the words that are looked for: these took 13 s."""
    before = time.process_time()
    passwords.hash_new("xb{g3!s8e7%%1[t0a096324ba518l65o|$l@065+{!{<o|((tgg!{5a+t$bz+{x5", username="ann")
    assert time.process_time() - before < 2


def test_more_than_a_roomful_is_turned_away_and_the_rest_are_served(passwords: PasswordHasher) -> None:
    answers = at_once(80, lambda: passwords.verify(PASSWORD, None))
    served = [answer for answer in answers if answer == (False, None)]
    turned_away = [answer for answer in answers if isinstance(answer, PasswordHashingOverloaded)]
    assert len(served) >= 32
    assert turned_away
    assert len(served) + len(turned_away) == 80
    assert passwords.verify(PASSWORD, None) == (False, None)  # and the room is free again


def test_the_blocklist_stands_several_threads(passwords: PasswordHasher) -> None:
    from cloudchat.auth.passwords.policy import is_guessable

    names = iter([f"person{number}" for number in range(40)])
    lock = threading.Lock()

    def check() -> bool:
        with lock:
            name = next(names)
        return is_guessable(name * 3, name) and not is_guessable(PASSWORD, name)

    assert at_once(20, check) == [True] * 20
