"""The tests of unit/rooms/changes that are marked `on_both`."""

from support.databases import marked_tests
from unit.rooms.changes import test_service

globals().update(marked_tests(test_service))
