"""The threads of calls that block (`asyncio.to_thread`): reads that clients wait for, and all writers.

asyncio starts 4 threads more than there are cores. On a small machine the writers alone can block all of them: the
archiver, read markers, notices, checkpoints, retention, erasures, pruning and merges wait for the write lock of SQLite
or for a disk that stalls. Each of them makes one call at a time, so many more threads leave some for the reads. A
thread is started when all others are busy. Handshakes have a thread of their own (`database/read_thread.py`).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

MAX_THREADS = 32


def start_enough_threads() -> None:
    """Let the running event loop use up to `MAX_THREADS` threads."""
    executor = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="blocking-call")
    asyncio.get_running_loop().set_default_executor(executor)
