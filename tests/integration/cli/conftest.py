"""The start of the server and the life of its process are tested here, so every server runs the console script."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _console_script(console_script: None) -> None:
    pass
