"""The tests of unit/database/test_pruning.py that are marked `on_both`."""

from support.databases import marked_tests
from unit.database import test_pruning

globals().update(marked_tests(test_pruning))
