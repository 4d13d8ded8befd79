"""Passwords: the rules of NIST SP 800-63B-4, argon2id, and the limit on concurrent hashes."""

import threading
import time

import pytest

from cloudchat.auth.errors import InvalidField, PasswordHashingOverloaded
from cloudchat.auth.passwords.blocklist import is_guessable
from cloudchat.auth.passwords.hashing import PasswordHasher
from support.account_services import PASSWORD, concurrently


@pytest.fixture(scope="module")
def hasher() -> PasswordHasher:
    return PasswordHasher()


def test_hash_is_argon2id_with_the_parameters_of_owasp(hasher: PasswordHasher) -> None:
    assert hasher.hash_new(PASSWORD, username="ann").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_only_the_right_password_verifies(hasher: PasswordHasher) -> None:
    hashed = hasher.hash_new(PASSWORD, username="ann")
    assert hasher.verify(PASSWORD, hashed) == (True, None)
    for wrong in (PASSWORD + " ", PASSWORD.upper(), "", "\ud800", "x" * 100_000):
        assert hasher.verify(wrong, hashed) == (False, None)


def test_password_verifies_in_another_unicode_form(hasher: PasswordHasher) -> None:
    hashed = hasher.hash_new("vier ånderledes ﬁsk svømmer", username="ann")
    assert hasher.verify("vier a\u030anderledes fisk svømmer", hashed)[0]


def test_verify_returns_a_stronger_hash_for_a_weak_one(hasher: PasswordHasher) -> None:
    from passlib.hash import argon2  # type: ignore[import-untyped]

    weak = argon2.using(memory_cost=8192, time_cost=1, parallelism=1).hash(PASSWORD)
    matches, stronger = hasher.verify(PASSWORD, weak)
    assert matches
    assert stronger is not None
    assert hasher.verify(PASSWORD, stronger) == (True, None)


@pytest.mark.parametrize("password", ["ø" * 5 + "kettle sing 42", "ten violet mice " * 16, "🦆🐎🔋📎 four birds ate"])
def test_uncommon_password_of_15_to_256_characters_is_accepted(hasher: PasswordHasher, password: str) -> None:
    assert hasher.hash_new(password, username="ann")


@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars",
        "\ufdfa",  # one character, eighteen in NFKC
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
def test_short_long_malformed_or_common_password_is_rejected(hasher: PasswordHasher, password: str) -> None:
    with pytest.raises(InvalidField) as refused:
        hasher.hash_new(password, username="annika")
    assert refused.value.field == "password"
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "password password",
        "Password PASSWORD",
        "password-password",
        "password.password",
        "password \u00a0password",
        "passwordPassword",
        "password1 password2",
        "password, password!",
        "p4ssw0rd password",
        "password drowssap",
        "PÄSSWORD pässword",
        "passwordpasswordpass",
        "letmein letmein letmein",
        "kettle kettle kettle",
        "kettle purple kettle purple",
        "xK9#q xK9#q xK9#q",
        "a rose is a rose is a rose",
        "2024 2024 2024 2024",
        "пароль пароль пароль",
        "密码密码密码密码密码密码密码密码",
    ],
)
def test_a_repeated_word_counts_once(password: str) -> None:
    assert is_guessable(password, "ann")


@pytest.mark.parametrize(
    "password",
    ["the cat and the other dog", "five purple kettles sing!", "abcde-fghij-kmnpq-rstuv", "buffalo, bison & yak"],
)
def test_a_password_with_enough_different_words_is_accepted(password: str) -> None:
    assert not is_guessable(password, "ann")


def test_blocklist_check_of_a_worst_case_password_is_fast(hasher: PasswordHasher) -> None:
    """Each character that may stand for several letters multiplies zxcvbn's work: this password took 13 s."""
    before = time.process_time()
    hasher.hash_new("xb{g3!s8e7%%1[t0a096324ba518l65o|$l@065+{!{<o|((tgg!{5a+t$bz+{x5", username="ann")
    assert time.process_time() - before < 2


def test_hashing_beyond_the_queue_limit_fails_and_the_rest_succeeds(hasher: PasswordHasher) -> None:
    results = concurrently(80, lambda: hasher.verify(PASSWORD, None))
    verified = [result for result in results if result == (False, None)]
    overloaded = [result for result in results if isinstance(result, PasswordHashingOverloaded)]
    assert len(verified) >= 32
    assert overloaded
    assert len(verified) + len(overloaded) == 80
    assert hasher.verify(PASSWORD, None) == (False, None)  # and all slots are free again


def test_blocklist_check_is_thread_safe(hasher: PasswordHasher) -> None:
    names = iter([f"person{number}" for number in range(40)])
    lock = threading.Lock()

    def check() -> bool:
        with lock:
            name = next(names)
        return is_guessable(name * 3, name) and not is_guessable(PASSWORD, name)

    assert concurrently(20, check) == [True] * 20
