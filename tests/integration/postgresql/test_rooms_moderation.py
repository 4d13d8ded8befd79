"""The tests of unit/rooms/moderation that are marked `on_both`."""

from support.databases import marked_tests
from unit.rooms.moderation import test_service

globals().update(marked_tests(test_service))
