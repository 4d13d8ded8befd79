from datetime import datetime

import pytest

from cloudchat.core.timestamps import instant_of, rfc3339


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1.9996, "1970-01-01T00:00:01.999Z"),
        (1795376000.25, "2026-11-22T19:33:20.250Z"),
    ],
)
def test_rfc3339_is_utc_with_milliseconds(now: float, text: str) -> None:
    assert rfc3339(now) == text
    assert abs(datetime.fromisoformat(text).timestamp() - now) < 0.001


def test_instant_of_ignores_a_timestamp_inside_the_text() -> None:
    event = b'{"text":"\\"at\\":\\"2001-01-01T00:00:00.000Z\\"","at":"%s","reply_to":3}' % rfc3339(12.5).encode()
    assert instant_of(event) == 12.5


def test_instant_of_is_none_without_a_timestamp() -> None:
    assert instant_of(b"{}") is None
