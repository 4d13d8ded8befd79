"""The tests of unit/auth/sessions/test_cost.py that are marked `on_both`."""

from support.databases import marked_tests
from unit.auth.sessions import test_cost

globals().update(marked_tests(test_cost))
