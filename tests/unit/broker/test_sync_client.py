import pytest

from cloudchat.broker.sync_client import redact_url


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("redis://user:secret@host:6379/0", "redis://host:6379/0"),
        ("redis://:se@cret@host:6379/0", "redis://host:6379/0"),
        ("redis://host:6379/0?password=secret", "redis://host:6379/0"),
        ("unix:///run/redis.sock?password=secret#secret", "unix:///run/redis.sock"),
        ("redis://[secret", "(unreadable URL)"),
    ],
)
def test_redact_url_keeps_only_scheme_host_and_path(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted
