"""The members of rooms and their roles: join, leave, add, remove, list.

Called by the HTTP routes and by `cloudchat admin members`. Read `service` first.
"""
