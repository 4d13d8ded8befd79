from collections.abc import Iterator

import pytest

from cloudchat.rate_limiting.http_limits import create_limiter
from cloudchat.settings import Settings
from support.http_app import ORIGIN, TestClient, make_app


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(make_app(create_limiter(Settings())), base_url=ORIGIN) as made:
        yield made
