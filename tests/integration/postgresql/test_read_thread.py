"""The tests of unit/database/test_read_thread.py."""

from support.databases import marked_tests
from unit.database import test_read_thread

globals().update(marked_tests(test_read_thread))
