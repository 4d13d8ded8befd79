"""Fixtures that several deployment tests share."""

from collections.abc import Iterator

import pytest

from support.aws import EmulatedAws
from support.site import RunningSite


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    """An emulated AWS account that is empty at first."""
    with EmulatedAws() as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[RunningSite]:
    """nginx in front of cloudchat, with the files of config/nginx."""
    with RunningSite() as running:
        yield running
