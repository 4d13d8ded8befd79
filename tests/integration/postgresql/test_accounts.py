"""The tests of unit/auth/test_service.py that are marked `on_both`."""

from support.databases import marked_tests
from unit.auth import test_service

globals().update(marked_tests(test_service))
