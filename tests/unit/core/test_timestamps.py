from datetime import datetime

import pytest

from cloudchat.core.timestamps import rfc3339


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1.9996, "1970-01-01T00:00:01.999Z"),
        (1795376000.25, "2026-11-22T19:33:20.250Z"),
    ],
)
def test_writes_utc_with_milliseconds(now, text):
    assert rfc3339(now) == text
    assert abs(datetime.fromisoformat(text).timestamp() - now) < 0.001
