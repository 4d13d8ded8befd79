import pytest

from cloudchat.core.origin import InvalidOrigin, Origin
from cloudchat.publishing.origin import is_cross_site, parse_published_origin


@pytest.mark.parametrize(
    ("text", "origin", "websocket"),
    [
        ("https://chat.example.com", "https://chat.example.com", "wss://chat.example.com"),
        (" HTTPS://Chat.Example.com/ ", "https://chat.example.com", "wss://chat.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "ws://127.0.0.1:8000"),
    ],
)
def test_parse_normalises_an_origin_and_derives_its_websocket_origin(text: str, origin: str, websocket: str) -> None:
    parsed = parse_published_origin(text)
    assert (str(parsed), parsed.websocket) == (origin, websocket)


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
def test_parse_rejects_text_that_could_change_the_policy(text: str) -> None:
    with pytest.raises(InvalidOrigin):
        parse_published_origin(text)


@pytest.mark.parametrize(
    ("page", "api", "cross_site"),
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
def test_is_cross_site(page: str, api: str, cross_site: bool) -> None:
    assert is_cross_site(Origin.parse(page), Origin.parse(api)) is cross_site


@pytest.mark.parametrize(
    ("text", "unencrypted"),
    [
        ("http://chat.example.com", True),
        ("http://10.0.0.5:8000", True),
        ("https://chat.example.com", False),
        ("http://127.0.0.1:8000", False),
        ("http://localhost:8000", False),
    ],
)
def test_plain_http_to_another_machine_is_unencrypted(text: str, unencrypted: bool) -> None:
    assert Origin.parse(text).is_unencrypted is unencrypted
