"""Usernames: none can forge a log line, hide, or pass for another."""

import pytest

from cloudchat.auth.errors import InvalidField
from cloudchat.auth.usernames import clean_username, is_reserved, username_key


@pytest.mark.parametrize("name", ["al", "ann", "Jürgen", "李小龍", "анна", "a.b_c-d", "0x0", "ﬁnn", "n" * 32])
def test_a_name_of_letters_and_digits_is_accepted(name: str) -> None:
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
        "\u3164\u3164",  # fillers, which are letters and show nothing
        "ann\uffa0",
        "ann\u1160",
        "\u115fann",
        "an\u0301\u0301\u0301",  # marks piled up
        "\ud800nn",
        "<script>",
        "-ann",
        ".ann",
        "ann@home",
        "a" * 100_000,
        "\ufdfa" * 20,  # each becomes 18 characters
        "аnn",  # a Cyrillic а
        "αnn",
    ],
)
def test_a_name_that_could_deceive_is_refused(name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        clean_username(name)
    assert refused.value.field == "username"


@pytest.mark.parametrize(
    ("one", "other"), [("Ann", "ANN"), ("ﬁnn", "FINN"), ("straße", "STRASSE"), ("A\u030angström", "ångström")]
)
def test_names_that_differ_only_in_writing_are_one_name(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)


@pytest.mark.parametrize("name", ["Admin", "ＲＯＯＴ", "system"])
def test_names_of_authority_are_reserved(name: str) -> None:
    assert is_reserved(name)
