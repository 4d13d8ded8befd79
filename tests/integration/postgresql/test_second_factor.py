"""The tests of unit/auth/second_factor/test_service.py that are marked `on_both`."""

from support.databases import marked_tests
from unit.auth.second_factor import test_service

globals().update(marked_tests(test_service))
