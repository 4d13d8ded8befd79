"""The tests of unit/auth/sessions/test_service.py that are marked `on_both`."""

from support.databases import marked_tests
from unit.auth.sessions import test_service

globals().update(marked_tests(test_service))
