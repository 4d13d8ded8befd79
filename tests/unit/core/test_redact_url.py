import pytest

from cloudchat.core.redact_url import redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@host:6379/0", "redis://host:6379/0"),
        ("redis://:se@cret@host:6379/0", "redis://host:6379/0"),
        ("redis://host:6379/0?password=secret", "redis://host:6379/0"),
        ("unix:///run/redis.sock?password=secret#secret", "unix:///run/redis.sock"),
        ("redis://[secret", "(unreadable URL)"),
    ],
)
def test_only_the_place_is_shown(url: str, shown: str) -> None:
    assert redact_url(url) == shown
