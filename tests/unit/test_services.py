"""`Services`: what joins several of the blocking services."""

import asyncio
from typing import Any, cast

from cloudchat.archive.folding.batch_fold import LogBatch
from cloudchat.archive.service import ArchiveService
from cloudchat.broker.numbering.checkpoint_repository import LogCheckpoints
from cloudchat.services import Services
from support.account_services import AccountServices
from support.room_logs import LogWriter


def test_the_marks_are_the_saved_ones_or_the_archived_heads_if_those_are_higher(services: AccountServices) -> None:
    unused = cast("Any", None)
    db = services.db
    joined = Services(db, unused, unused, unused, LogCheckpoints(db), unused, ArchiveService(db))
    assert asyncio.run(joined.load_marks()) == {}
    log = LogWriter()
    for number in range(5):
        log.message("ann", f"m{number}")
    joined.archive.fold([LogBatch("lobby", 0, log.encoded)])
    assert asyncio.run(joined.load_marks()) == {"lobby": ("e1", 5)}
    joined.checkpoints.save({"lobby": ("e1", 3)})
    assert asyncio.run(joined.load_marks()) == {"lobby": ("e1", 5)}
    joined.checkpoints.save({"lobby": ("e2", 7)})
    assert asyncio.run(joined.load_marks()) == {"lobby": ("e2", 7)}
