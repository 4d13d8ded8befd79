from collections.abc import Iterator
from pathlib import Path

import pytest

from support.account_services import AccountServices


@pytest.fixture
def services(tmp_path: Path) -> Iterator[AccountServices]:
    made = AccountServices.make(tmp_path)
    yield made
    made.db.close()
