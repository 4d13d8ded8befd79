"""The tests of unit/archive/search/test_service.py."""

from support.databases import marked_tests
from unit.archive.search import test_service

globals().update(marked_tests(test_service))
