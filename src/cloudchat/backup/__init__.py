"""Backups: one file with the rooms, the database and the signing keys of an installation.

Only `cli` calls it; `doctor` looks for backups and for the marker below. Read `create` and `restore` first: each
shows all its steps from top to bottom. Then `archive` (the file) and `room_records` (the rooms in it).
"""

UNFINISHED = "restore.unfinished"
"""A file in the state directory while a restore replaces the state. No server may start as long as it exists."""
