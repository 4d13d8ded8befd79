"""The part of the room logs that the archive uses: what it has to take, what may be trimmed then, and what is removed.

Start with `log_archive.py`, which states the contract. `archive_queue.py` says which rooms have something to archive.
"""
