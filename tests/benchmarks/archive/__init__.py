"""Measure an archive of millions of messages: `make bench-archive` starts with `run.py`."""
