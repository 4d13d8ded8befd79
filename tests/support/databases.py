"""Which databases a test runs on."""

import pytest

SQLITE, POSTGRESQL = "sqlite", "postgresql"

on_both = pytest.mark.parametrize("services", [SQLITE, POSTGRESQL], indirect=True)
"""For what a database decides: races, constraints, locks. Whole modules: `pytestmark = on_both`."""
