"""The tests of unit/rooms/members that are marked `on_both`."""

from support.databases import marked_tests
from unit.rooms.members import test_service

globals().update(marked_tests(test_service))
