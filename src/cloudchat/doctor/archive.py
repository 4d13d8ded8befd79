"""The checks of the archive: how far it is behind the logs in the store, and whether its rows fit together."""

from collections.abc import Sequence

from cloudchat.archive.service import ArchiveService
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database, DatabaseUnavailable
from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.store import LogHead, read_log_heads, store_url
from cloudchat.doctor.store_requirements import StoreUnusable
from cloudchat.settings import Settings

MAX_LAG_EVENTS = 1000
"""An archive that works is at most a second behind."""
MAX_NAMED_ROOMS = 3


def check_archive(settings: Settings) -> list[CheckResult]:
    """Check the archive. Database and store are checked before; if one of them is not there, say nothing."""
    db = Database(create_engine(settings.database.get_secret_value()))
    try:
        archive = ArchiveService(db)
        # The store first: what it knows to be archived was committed before. In the other order, a server that archives
        # meanwhile would make the database look older than the store.
        logs = _read_logs(settings, archive.room_ids())
        state = archive.state()
    except DatabaseUnavailable:
        return []
    finally:
        db.close()
    name = f"archive: {state.events} messages and notices of {len(state.heads)} rooms"
    problem = f"{_listed(state.problems)}: restore the database from a backup" if state.problems else None
    results = [CheckResult(name, problem)]
    if logs is None:
        return results
    return [*results, *_compare(logs, {room: head.seq for room, head in state.heads.items()})]


def _read_logs(settings: Settings, rooms: Sequence[str]) -> dict[str, LogHead] | None:
    """Return the heads of the logs, None if the store cannot be read. Without a store there are none."""
    url = store_url(settings)
    try:
        return {} if url is None else read_log_heads(url, rooms)
    except StoreUnusable:
        return None


def _compare(logs: dict[str, LogHead], archived: dict[str, int]) -> list[CheckResult]:
    """Compare the logs with the archived heads."""
    lags = {room: log.seq - archived.get(room, 0) for room, log in logs.items() if log.seq > archived.get(room, 0)}
    results = []
    name = f"archive: {sum(lags.values())} events are not archived yet"
    worst = sorted(lags, key=lambda room: -lags[room])
    problem = None
    if sum(lags.values()) > MAX_LAG_EVENTS:
        rooms = _listed([f"room {room}: {lags[room]}" for room in worst])
        problem = f"{rooms}. A running server archives them; if the number does not fall, see the log of the server"
    results.append(CheckResult(name, problem))
    lost = [
        f"room {room}: {archived.get(room, 0) + 1} to {log.archived}"
        for room, log in logs.items()
        if log.archived > archived.get(room, 0)
    ]
    if lost:
        problem = (
            "the database is older than the store, and events that were archived are missing: restore a newer backup"
        )
        results.append(CheckResult(f"archive: {_listed(lost)}", problem))
    return results


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - MAX_NAMED_ROOMS} more" if len(items) > MAX_NAMED_ROOMS else ""
    return "; ".join(items[:MAX_NAMED_ROOMS]) + more
