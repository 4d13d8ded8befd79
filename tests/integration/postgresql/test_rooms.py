"""The tests of unit/rooms that are marked `on_both`."""

from support.databases import marked_tests
from unit.rooms import test_service
from unit.rooms.summaries import test_read_positions

globals().update(marked_tests(test_service) | marked_tests(test_read_positions))
