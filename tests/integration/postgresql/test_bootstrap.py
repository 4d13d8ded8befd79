"""The tests of unit/auth/test_bootstrap.py that are marked `on_both`."""

from support.databases import marked_tests
from unit.auth import test_bootstrap

globals().update(marked_tests(test_bootstrap))
