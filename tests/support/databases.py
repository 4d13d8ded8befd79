"""Run a test on PostgreSQL too."""

from types import ModuleType
from typing import Any

import pytest

SQLITE, POSTGRESQL = "sqlite", "postgresql"

on_both = pytest.mark.on_both
"""For behaviour that a database determines: races, constraints, locks. For a whole module: `pytestmark = on_both`.

Unit tests run on SQLite. tests/integration/postgresql runs the marked ones again on PostgreSQL.
"""


def marked_tests(module: ModuleType) -> dict[str, Any]:
    """Return the names of a test module without the tests that are not marked `on_both`."""
    if _is_marked(module):
        return _public(module)
    return {name: value for name, value in map(_only_marked, _public(module).items()) if value is not None}


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("__")}


def _only_marked(item: tuple[str, Any]) -> tuple[str, Any]:
    name, value = item
    if name.startswith("Test") and isinstance(value, type):
        unmarked = {method: None for method in dir(value) if _is_unmarked_test(method, getattr(value, method))}
        return name, type(name, (value,), unmarked)
    return name, None if _is_unmarked_test(name, value) else value


def _is_unmarked_test(name: str, value: Any) -> bool:
    return name.startswith("test_") and not _is_marked(value)


def _is_marked(value: Any) -> bool:
    marks = getattr(value, "pytestmark", [])
    return any(mark.name == "on_both" for mark in (marks if isinstance(marks, list) else [marks]))
