"""The checks of the SQL database."""

import time

from cloudchat.database.migrations import MigrationError, is_current
from cloudchat.database.transactions import DatabaseUnavailable, database_time
from cloudchat.database.urls import DatabaseUrlError
from cloudchat.doctor.check_result import CheckResult, check_clock, clock_offset


def check_database(url: str) -> list[CheckResult]:
    """Check that the database answers, that its schema is this version's, and that its clock agrees with ours."""
    started_at = time.perf_counter()
    try:
        if not is_current(url):
            return [CheckResult("database", "its schema is not this version's: `cloudchat serve` upgrades it")]
        seconds = time.perf_counter() - started_at
        results = [CheckResult(f"database: schema up to date, answered within {seconds * 1000:.0f} ms")]
        sent_at = time.time()
        remote_time = database_time(url)
    except (DatabaseUrlError, DatabaseUnavailable, MigrationError) as error:
        return [CheckResult("database", str(error))]
    if remote_time is not None:
        results.append(check_clock("database", clock_offset(remote_time, sent_at, time.time())))
    return results
