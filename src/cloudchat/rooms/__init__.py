"""Rooms and who is in them: routes, schemas, service and repository of `/api/rooms`.

`services.py` loads a user's rooms when a socket opens; realtime and messages use the loaded `RoomSummary` objects.
Read `repository.py` first: it defines which rooms a user is in.
"""
