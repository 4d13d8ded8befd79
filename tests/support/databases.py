"""Run a test on several databases."""

import pytest

SQLITE, POSTGRESQL = "sqlite", "postgresql"

on_both = pytest.mark.parametrize("services", [SQLITE, POSTGRESQL], indirect=True)
"""For behaviour that a database determines: races, constraints, locks. For a whole module: `pytestmark = on_both`."""
