"""No valid username can forge a log line, be invisible, or imitate another one."""

import pytest

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.usernames import clean_username, is_reserved, username_key


@pytest.mark.parametrize("name", ["al", "ann", "Jürgen", "李小龍", "анна", "a.b_c-d", "0x0", "ﬁnn", "n" * 32])
def test_letters_digits_and_punctuation_are_valid(name: str) -> None:
    assert clean_username(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "n" * 33,
        "two words",
        "ann\n2026-11-22 login accepted user=admin",
        "ann\r",
        "ann\x1b[2J",
        "ann\0",
        "ann\u202egnp",  # right to left override
        "ann\u200b",  # zero width space
        "\u3164\u3164",  # Hangul fillers: letters without a glyph
        "ann\uffa0",
        "ann\u1160",
        "\u115fann",
        "an\u0301\u0301\u0301",  # stacked combining marks
        "\ud800nn",
        "<script>",
        "-ann",
        ".ann",
        "ann@home",
        "a" * 100_000,
        "\ufdfa" * 20,  # each becomes 18 characters in NFKC
        "аnn",  # a Cyrillic а
        "αnn",
    ],
)
def test_deceptive_name_is_rejected(name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        clean_username(name)
    assert refused.value.field == "username"


@pytest.mark.parametrize(
    ("one", "other"), [("Ann", "ANN"), ("ﬁnn", "FINN"), ("straße", "STRASSE"), ("A\u030angström", "ångström")]
)
def test_names_that_differ_in_case_or_normalisation_have_the_same_key(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)


@pytest.mark.parametrize("name", ["Admin", "ＲＯＯＴ", "system"])
def test_names_that_suggest_authority_are_reserved(name: str) -> None:
    assert is_reserved(name)
