"""The tests of unit/archive/test_repository.py and test_service.py."""

from support.databases import marked_tests
from unit.archive import test_repository, test_service

globals().update(marked_tests(test_repository) | marked_tests(test_service))
