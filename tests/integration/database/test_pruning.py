"""A running server deletes what is older than CLOUDCHAT_AUDIT_DAYS."""

import sqlite3
import time
from contextlib import closing

from support.processes import wait_until
from support.server import RunningServer


def test_the_start_deletes_an_old_audit_entry_and_keeps_a_newer_one() -> None:
    with RunningServer(environment={"CLOUDCHAT_AUDIT_DAYS": "30"}) as server:
        file = server.state_dir / "cloudchat.db"
        server.terminate()
        with closing(sqlite3.connect(file)) as db:
            for name, days in (("older", 31), ("newer", 29)):
                entry = (name, time.time() - days * 86400, "cli", "invite.create", "", "", "")
                db.execute(
                    "INSERT INTO audit_log (id, at, actor, action, target, address, detail) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    entry,
                )
            db.commit()

        def entries() -> set[str]:
            with closing(sqlite3.connect(file)) as db:
                return {row[0] for row in db.execute("SELECT id FROM audit_log")}

        server.restart()
        wait_until(lambda: "older" not in entries(), "the old entry is pruned")
        assert "newer" in entries()
