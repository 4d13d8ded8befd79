"""The tests of erasures that are marked `on_both`."""

from support.databases import marked_tests
from unit.admin import test_personal_data
from unit.archive.erasure import test_erasure_task

globals().update(marked_tests(test_personal_data))
globals().update(marked_tests(test_erasure_task))
