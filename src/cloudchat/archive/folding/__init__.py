"""The fold of new events of rooms' logs into the archive: `batch_fold.py` without I/O, `repository.py` with SQL.

Only `archive/service.py` calls it.
"""
