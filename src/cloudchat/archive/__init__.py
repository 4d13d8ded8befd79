"""The archive: every message and notice of all time in SQL, in its current form, while the room logs keep the newest.

The archiver folds the logs into it; history, search, export, retention and erasure read and change it. Start with
`archiver.py`.
"""
