"""The store, embedded or of one's own."""

import os
import shutil
from pathlib import Path

from cloudchat.broker.embedded.data_dir_lock import socket_path
from cloudchat.doctor.check_result import CheckResult
from cloudchat.doctor.files import MIN_FREE_BYTES
from cloudchat.doctor.machine import clocks_agree
from cloudchat.doctor.store_check import StoreUnusable, check_store
from cloudchat.observability.store_stats import StoreFigures, store_figures
from cloudchat.settings import Settings

SLOW_SECONDS = 0.02
MAX_OF_ITS_MEMORY = 0.8
MAX_OF_THE_MACHINE = 0.5
"""Half: a store that writes its log anew is forked, and may need its memory twice."""


def store_url(settings: Settings) -> str | None:
    """Where the store is now; None when it is the embedded one and no server runs."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    socket = socket_path(settings.state_dir.absolute() / "store")
    return f"unix://{socket}" if socket.exists() else None


def check_the_store(settings: Settings) -> list[CheckResult]:
    """Does it answer, quickly, does it keep what it is told, has it room?"""
    url = store_url(settings)
    if url is None:
        return [CheckResult("store", "the embedded one does not run: it does while `cloudchat serve` does")]
    try:
        weak = check_store(url)
        figures = store_figures(url)
    except StoreUnusable as problem:
        return [CheckResult("store", str(problem))]
    name = f"store: version {figures.version}, answered within {figures.seconds * 1000:.1f} ms"
    slow = "it is slow: is it on another continent, is its machine or disk busy?"
    findings = [CheckResult("store", warning) for warning in weak]
    findings.append(CheckResult(name, slow if figures.seconds > SLOW_SECONDS else None))
    if figures.write_trouble:
        findings.append(
            CheckResult("store's log", f"{figures.write_trouble}: look for a full or broken disk on its machine")
        )
    if url.startswith("unix:") and os.path.isdir(figures.log_folder):  # not one in a container
        findings.append(_room_for_log(figures.log_bytes, Path(figures.log_folder)))
    return [*findings, _memory(figures), clocks_agree("store", figures.time, figures.asked, figures.heard)]


def _room_for_log(size: int, folder: Path) -> CheckResult:
    """Of a store on this machine, whose disk may be another one than the state folder's."""
    free = shutil.disk_usage(folder).free
    name = f"store's log: {size / 1e9:.1f} GB in {folder}, {free / 1e9:.1f} GB free"
    if free < max(MIN_FREE_BYTES, size):
        return CheckResult(name, "written anew it takes as much again for a while: free as much, 0.5 GB at least")
    return CheckResult(name)


def _memory(figures: StoreFigures) -> CheckResult:
    used, most = figures.used_bytes, figures.most_bytes
    if most:
        name = f"store's memory: {used / 1e6:.0f} of {most / 1e6:.0f} MB (maxmemory)"
        full = used > MAX_OF_ITS_MEMORY * most
    else:
        name = f"store's memory: {used / 1e6:.0f} MB of the machine's {figures.machine_bytes / 1e6:.0f} MB"
        full = used > MAX_OF_THE_MACHINE * figures.machine_bytes > 0
    mend = "it will refuse messages when it is full: more memory, or a smaller CLOUDCHAT_HISTORY_MESSAGES"
    return CheckResult(name, mend if full else None)
