"""What `serve` prints: a URL where sign-in works, or what to set."""

import pytest

from cloudchat.cli.serving.announcement import address_to_open, sign_in_advice
from cloudchat.settings import Settings

PAGE = "https://chat.example.com"


@pytest.mark.parametrize(
    ("host", "origins", "url"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:8000"),
        ("127.0.0.2", "", "http://127.0.0.2:8000"),
        ("::1", "", "http://[::1]:8000"),
        ("localhost", "", "http://localhost:8000"),
        ("127.0.0.1", "http://localhost:8000", "http://localhost:8000"),
        ("127.0.0.1", f"{PAGE},http://chat.localhost:8000", "http://chat.localhost:8000"),
        ("0.0.0.0", "http://192.168.1.20:8000", "http://192.168.1.20:8000"),
        ("0.0.0.0", "http://box.local:8000,http://192.168.1.20:8000", "http://box.local:8000"),
        ("::", "http://localhost:8000", "http://localhost:8000"),
        ("192.168.1.20", "http://192.168.1.20:8000", "http://192.168.1.20:8000"),
    ],
)
def test_what_is_printed_works(host: str, origins: str, url: str) -> None:
    settings = Settings(host=host, allowed_origins=origins)
    assert address_to_open(settings) == url
    assert sign_in_advice(settings, url) is None


@pytest.mark.parametrize(
    ("host", "origins", "url", "advice"),
    [
        ("127.0.0.1", PAGE, "http://127.0.0.1:8000", f"only from pages at {PAGE}"),
        ("0.0.0.0", PAGE, "http://localhost:8000", f"only from pages at {PAGE}"),
        ("127.0.0.1", "http://localhost:9000", "http://127.0.0.1:8000", "only from pages at http://localhost:9000"),
        ("127.0.0.1", "http://192.168.1.20:8000", "http://127.0.0.1:8000", "only from pages at http://192.168.1.20"),
        ("192.168.1.20", "", "http://192.168.1.20:8000", "CLOUDCHAT_ALLOWED_ORIGINS=http://192.168.1.20:8000"),
        ("0.0.0.0", "", "http://localhost:8000", "CLOUDCHAT_ALLOWED_ORIGINS=http://"),
    ],
)
def test_otherwise_the_start_says_what_to_set(host: str, origins: str, url: str, advice: str) -> None:
    settings = Settings(host=host, allowed_origins=origins)
    assert address_to_open(settings) == url
    assert advice in (sign_in_advice(settings, url) or "")


def test_behind_a_unix_socket_the_pages_are_named() -> None:
    settings = Settings(host="/run/cloudchat.sock", allowed_origins=PAGE)
    assert f"only from pages at {PAGE}" in (sign_in_advice(settings, None) or "")
