"""Rooms, their members and moderation: `/api/rooms`, and what sockets know of the rooms of their users.

HTTP routes, the command line, realtime and messages call it; sockets hold `RoomSummary` objects. Read `permissions.py`
first, then `transaction.py`, which is one change of a room, then `service.py`.
"""
