"""The tests of unit/admin/test_users.py that are marked `on_both`."""

from support.databases import marked_tests
from unit.admin import test_users

globals().update(marked_tests(test_users))
