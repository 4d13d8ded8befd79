"""Which origins a page can be told, and when a browser surely takes two for different sites."""

import pytest

from cloudchat.publishing.origin import NoOrigin, Origin, surely_other_sites


@pytest.mark.parametrize(
    ("text", "origin", "socket"),
    [
        ("https://chat.example.com", "https://chat.example.com", "wss://chat.example.com"),
        (" HTTPS://Chat.Example.com/ ", "https://chat.example.com", "wss://chat.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "ws://127.0.0.1:8000"),
    ],
)
def test_an_origin_and_its_socket(text: str, origin: str, socket: str) -> None:
    parsed = Origin.parse(text)
    assert (str(parsed), parsed.socket) == (origin, socket)


@pytest.mark.parametrize(
    "text",
    [
        "chat.example.com",
        "wss://chat.example.com",
        "https://chat.example.com/path",
        "https://user:word@chat.example.com",
        "https://chat.example.com?x",
        "https://chat.example.com; script-src *",
        'https://chat.example.com"><script>',
        "https://*.example.com",
        "https://example.com https://evil.example",
        "https://[::1]:8000",
        "https://",
        "",
    ],
)
def test_what_is_no_origin_never_reaches_the_policy(text: str) -> None:
    with pytest.raises(NoOrigin):
        Origin.parse(text)


@pytest.mark.parametrize(
    ("page", "api", "other"),
    [
        ("https://www.example.com", "https://chat.example.com", False),
        ("https://example.com", "https://chat.example.com:8443", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:8000", False),
        ("http://www.example.com", "https://chat.example.com", True),
        ("https://d111abc.cloudfront.net", "https://chat.example.com", True),
        ("http://page.s3-website-eu-west-1.amazonaws.com", "http://chat.example.com", True),
        ("http://10.0.0.1", "http://10.0.0.2", True),
        ("http://localhost:5000", "http://127.0.0.1:8000", True),
    ],
)
def test_two_sites_are_told_apart(page: str, api: str, other: bool) -> None:
    assert surely_other_sites(Origin.parse(page), Origin.parse(api)) is other


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("http://chat.example.com", True),
        ("http://10.0.0.5:8000", True),
        ("https://chat.example.com", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
    ],
)
def test_plain_http_to_another_machine_is_readable_on_the_way(text: str, readable: bool) -> None:
    assert Origin.parse(text).readable_on_the_way is readable
