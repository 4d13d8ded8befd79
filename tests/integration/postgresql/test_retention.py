"""The tests of unit/archive/retention that are marked `on_both`."""

from support.databases import marked_tests
from unit.archive.retention import test_retention_task

globals().update(marked_tests(test_retention_task))
