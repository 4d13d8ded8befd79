"""Which rooms have changed, and the notices that are not in the log yet: what each process reads to stay up to date.

`service` is called by realtime, in threads. The rows are written by `rooms/transaction.py`.
"""
