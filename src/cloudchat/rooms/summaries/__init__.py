"""Rooms as one user sees them, and how far users have read them.

`summary` is what a socket holds for each room of its user. The queries are called by `rooms`, and by realtime in
threads.
"""
