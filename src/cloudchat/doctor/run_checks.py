"""Run all checks, in the order in which problems are best fixed: a later check may depend on an earlier one."""

from pathlib import Path

from cloudchat.doctor.archive import check_archive
from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.database import check_database
from cloudchat.doctor.files import check_backups, check_secrets, check_state_folder
from cloudchat.doctor.machine import check_machine
from cloudchat.doctor.public_url import check_origins_and_proxies, check_public_url
from cloudchat.doctor.store import check_store
from cloudchat.settings import Settings


def run_checks(
    settings: Settings, *, public_url: str | None = None, page: str | None = None, backups: Path | None = None
) -> list[CheckResult]:
    """Check everything that this machine can see; the public URL and the backup directory only if they are given."""
    results = [*check_state_folder(settings.state_dir), *check_secrets(), *check_machine(settings)]
    database = check_database(settings.database.get_secret_value())
    results += database
    if not any(result.problem for result in database):  # the tables are there
        results += check_archive(settings)
    results += [*check_store(settings), *check_origins_and_proxies(settings)]
    if public_url is not None:
        results += check_public_url(public_url, settings, page)
    if backups is not None:
        results += check_backups(backups)
    return results
