"""The tests of unit/archive/unread that are marked `on_both`."""

from support.databases import marked_tests
from unit.archive.unread import test_repository

globals().update(marked_tests(test_repository))
