"""The tests of unit/archive/importing that are marked `on_both`."""

from support.databases import marked_tests
from unit.archive.importing import test_round_trip
from unit.archive.importing.slack import test_export

globals().update(marked_tests(test_round_trip) | marked_tests(test_export))
