"""The tests of unit/broker/numbering/test_checkpoint_repository.py."""

from support.databases import marked_tests
from unit.broker.numbering import test_checkpoint_repository

globals().update(marked_tests(test_checkpoint_repository))
