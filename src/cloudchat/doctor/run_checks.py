"""All checks, in the order in which faults are best mended."""

from pathlib import Path

from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.database import check_database
from cloudchat.doctor.files import check_backups, check_files, check_secrets
from cloudchat.doctor.machine import check_machine
from cloudchat.doctor.public_url import check_edge, check_public_url
from cloudchat.doctor.store import check_the_store
from cloudchat.settings import Settings


def examine(settings: Settings, *, public_url: str | None = None, backups: Path | None = None) -> list[CheckResult]:
    """Everything that can be looked at from this machine; addresses and folders that are not given are left out."""
    findings = [*check_files(settings.state_dir), *check_secrets(), *check_machine(settings)]
    findings += check_database(settings.database.get_secret_value())
    findings += [*check_the_store(settings), *check_edge(settings)]
    if public_url is not None:
        findings += check_public_url(public_url.rstrip("/"), settings)
    if backups is not None:
        findings += check_backups(backups)
    return findings
