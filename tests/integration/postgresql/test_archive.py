"""The tests of unit/archive/test_repository.py."""

from support.databases import marked_tests
from unit.archive import test_repository

globals().update(marked_tests(test_repository))
