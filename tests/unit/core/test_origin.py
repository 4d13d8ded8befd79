"""Origins as people write them: normalised where the meaning is clear, else refused with the right form."""

import pytest

from cloudchat.core.origin import InvalidOrigin, Origin, parse_origins, unencrypted_problem

CHAT = "https://chat.example.com"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (CHAT, CHAT),
        ("HTTPS://Chat.Example.COM", CHAT),
        ("https://chat.example.com:443", CHAT),
        ("https://chat.example.com:0443", CHAT),
        ("https://chat.example.com:", CHAT),
        ("https://chat.example.com/", CHAT),
        ("https://chat.example.com:443//", CHAT),
        ("https://chat.example.com.", CHAT),
        (" https://chat.example.com\t", CHAT),
        ("http://chat.example.com:80", "http://chat.example.com"),
        ("http://chat.example.com:443", "http://chat.example.com:443"),
        ("https://chat.example.com:8443/", "https://chat.example.com:8443"),
        ("http://my_host:8000", "http://my_host:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]:80", "http://[::1]"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example:443", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://例え。テスト", "https://xn--r8jz45g.xn--zckzah"),
    ],
)
def test_an_origin_is_what_a_browser_sends(text: str, origin: str) -> None:
    assert str(Origin.parse(text)) == origin


@pytest.mark.parametrize(
    ("text", "right_form"),
    [
        ("chat.example.com", CHAT),
        ("chat.example.com:8443", "https://chat.example.com:8443"),
        ("//chat.example.com", CHAT),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("https:/chat.example.com", CHAT),
        ("https:chat.example.com", CHAT),
        ("https:\\\\chat.example.com", CHAT),
        ("https://chat.example.com/chat", CHAT),
        ("https://chat.example.com/chat/?x=1#y", CHAT),
        ("https://chat.example.com?x", CHAT),
        ("https://chat.example.com#x", CHAT),
        ("https://user:word@chat.example.com", CHAT),
        ("wss://chat.example.com", CHAT),
        ("ws://localhost:8000", "http://localhost:8000"),
        ("ftp://chat.example.com", CHAT),
        ("*", CHAT),
        ("null", CHAT),
        ("NULL", CHAT),
        ("https://*", CHAT),
        ("https://*.example.com", CHAT),
        ("https://chat.example.com:*", CHAT),
        ("https://chat.example.com:99999", CHAT),
        ("https://chat.example.com:0", CHAT),
        ("https://chat.example.com:https", CHAT),
        ("https://::1:8000", "http://[::1]:8000"),
        ("https://[::1", "http://[::1]:8000"),
        ("https://[fe80::1%25eth0]", "http://[::1]:8000"),
        ("https://[127.0.0.1]", "http://[::1]:8000"),
        ("https://256.0.0.1", CHAT),
        ("https://127.1", CHAT),
        ("https://0x7f000001", CHAT),
        ("https://ex%61mple.com", CHAT),
        ("https://", CHAT),
        ("https://-.example", CHAT),
        ("https://a..example", CHAT),
        ("https://.example", CHAT),
        ("https://chat.example.com<script>", CHAT),
        ("https://chat.example.com;script-src", CHAT),
        ("https://" + "a" * 64 + ".example", CHAT),
        ("https://" + "ü" * 64 + ".example", CHAT),
    ],
)
def test_anything_else_is_refused_with_the_right_form(text: str, right_form: str) -> None:
    with pytest.raises(InvalidOrigin, match=r"^'") as refused:
        Origin.parse(text)
    assert str(refused.value).endswith(f"write {right_form}")


def test_no_secret_of_a_url_is_repeated() -> None:
    with pytest.raises(InvalidOrigin) as refused:
        Origin.parse("https://user:hunter2@chat.example.com")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example,https://b.example",
        " https://a.example , https://b.example , ",
        "https://a.example https://b.example",
        "https://a.example\nhttps://b.example\n",
        "https://a.example;https://b.example",
        "https://a.example\r\n\thttps://b.example/",
        '"https://a.example,https://b.example"',
        "'https://a.example' 'https://b.example'",
        "“https://a.example”, “https://b.example”",
        '["https://a.example", "https://b.example"]',
        "[https://a.example, https://b.example]",
        "https://a.example,https://A.example:443/,https://b.example",
        "\ufeffhttps://a.example\u00a0https://b.example\u200b",
    ],
)
def test_a_list_is_read_with_any_separator_and_quotes(text: str) -> None:
    assert parse_origins(text) == ("https://a.example", "https://b.example")


def test_a_list_can_begin_or_end_with_an_ipv6_address() -> None:
    assert parse_origins("http://[::1]:80,http://[::2]") == ("http://[::1]", "http://[::2]")


@pytest.mark.parametrize("text", ["", " ", '""', ",", "[]"])
def test_an_empty_list_has_no_origin(text: str) -> None:
    assert parse_origins(text) == ()


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.0.0.2", True),
        ("http://[::1]:8000", True),
        ("http://localhost", True),
        ("http://chat.localhost:8000", True),
        ("http://localhost.example", False),
        ("http://192.168.1.20:8000", False),
        ("https://chat.example.com", False),
    ],
)
def test_loopback_is_known_by_name_and_address(text: str, loopback: bool) -> None:
    assert Origin.parse(text).is_loopback is loopback


def test_plain_http_over_a_network_is_a_problem() -> None:
    assert unencrypted_problem(["https://chat.example.com", "http://127.0.0.2:8000", "http://chat.localhost"]) is None
    problem = unencrypted_problem(["https://a.example", "http://192.168.1.20:8000", "http://box.local"]) or ""
    assert problem.startswith("sign-ins at http://192.168.1.20:8000, http://box.local do not last")
