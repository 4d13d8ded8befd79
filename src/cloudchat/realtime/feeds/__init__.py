"""The events of each room in this process: received once and in order, replayed to those who join.

Read `room_feed` first, then `relay`, which drives the feeds, `replay`, by which a socket joins, and `heartbeat`.
"""
