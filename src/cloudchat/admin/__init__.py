"""Administration: users, API tokens, invites and the audit log.

Called by the HTTP routes and by `cloudchat admin`. Read `service` first; each change takes an `Actor`.
"""
