"""The SQL database."""

import time

from cloudchat.database.migrations import MigrationError, is_current
from cloudchat.database.transactions import DatabaseUnavailable, database_time
from cloudchat.database.urls import DatabaseUrlError
from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.machine import clocks_agree


def check_database(url: str) -> list[CheckResult]:
    """Does it answer, is its schema this version's, does its clock agree with this machine's?"""
    started = time.perf_counter()
    try:
        if not is_current(url):
            return [
                CheckResult("database", "its schema is not this version's: `cloudchat serve` upgrades it at its start")
            ]
        seconds = time.perf_counter() - started
        findings = [CheckResult(f"database: schema up to date, answered within {seconds * 1000:.0f} ms")]
        asked = time.time()
        told = database_time(url)
    except (DatabaseUrlError, DatabaseUnavailable, MigrationError) as problem:
        return [CheckResult("database", str(problem))]
    if told is not None:
        findings.append(clocks_agree("database", told, asked, time.time()))
    return findings
