"""Values of settings as files, shells and Docker pass them on."""

import pytest

from cloudchat.core.setting_text import normalize_rates, parse_networks, unquote


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8000", "8000"),
        (" 8000\n", "8000"),
        ('"8000"', "8000"),
        ("'8000'", "8000"),
        ('" 8000 "', "8000"),
        ('""', ""),
        ('"', '"'),
        ('a"b', 'a"b'),
        ("'8000\"", "'8000\""),
    ],
)
def test_blanks_and_enclosing_quotes_are_removed(text: str, value: str) -> None:
    assert unquote(text) == value


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("127.0.0.1", ("127.0.0.1",)),
        ("127.0.0.1,::1", ("127.0.0.1", "::1")),
        ("127.0.0.1 [::1]\n10.0.0.0/8", ("127.0.0.1", "::1", "10.0.0.0/8")),
        ('"10.0.0.0/8"; 10.0.0.0/8', ("10.0.0.0/8",)),
        ("2001:DB8::/32", ("2001:db8::/32",)),
        ("10.0.0.0/255.0.0.0", ("10.0.0.0/8",)),
        ("10.1.2.3/32", ("10.1.2.3",)),
        ("::ffff:10.0.0.1", ("10.0.0.1",)),
        ("", ()),
    ],
)
def test_networks_are_normalised(text: str, networks: tuple[str, ...]) -> None:
    assert parse_networks(text) == networks


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("nginx", "write an address or a network such as 10.0.0.0/24"),
        ("localhost", "write 127.0.0.1,::1"),
        ("*", "write an address or a network such as 10.0.0.0/24"),
        ("10.0.0.1:8080", "write 10.0.0.1"),
        ("[::1]:8080", "write ::1"),
        ("http://10.0.0.1", "write an address or a network such as 10.0.0.0/24"),
        ("10.0.0.5/24", "write 10.0.0.5 for the address, or 10.0.0.0/24 for the network"),
        ("10.0.0.1-10.0.0.9", "write an address or a network such as 10.0.0.0/24"),
        ("unix:", "a proxy on a unix socket is always trusted"),
        ("fe80::1%eth0", "write an address or a network such as 10.0.0.0/24"),
        ("10.0.0.0/33", "write an address or a network such as 10.0.0.0/24"),
    ],
)
def test_anything_else_is_refused_with_the_right_form(text: str, advice: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_networks(text)
    assert str(refused.value).endswith(advice)


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("60/minute", "60/minute"),
        (" 60 / Minute ", "60/minute"),
        ("60/minutes", "60/minute"),
        ("60/min", "60/minute"),
        ("60/m", "60/minute"),
        ("60 per minute", "60/minute"),
        ("5/1minute", "5/minute"),
        ("060/minute", "60/minute"),
        ("5/s; 20/h , 60/d", "5/second;20/hour;60/day"),
        ("5/minute 20/hour", "5/minute;20/hour"),
    ],
)
def test_rates_are_normalised(text: str, rates: str) -> None:
    assert normalize_rates(text, maximum=4) == rates


@pytest.mark.parametrize(
    "text",
    ["", "60", "60/", "/minute", "0/minute", "-1/minute", "60/fortnight", "1e3/minute", "60/2minutes", "6.5/d"],
)
def test_any_other_rate_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(ValueError, match="write 60/minute"):
        normalize_rates(text, maximum=4)


def test_there_is_a_maximum_of_rates() -> None:
    with pytest.raises(ValueError, match="write 60/minute"):
        normalize_rates("5/minute;20/hour", maximum=1)
    with pytest.raises(ValueError, match="at most 4"):
        normalize_rates("1/second;2/minute;3/hour;4/day;5/day", maximum=4)
