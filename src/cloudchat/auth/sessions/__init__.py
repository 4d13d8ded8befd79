"""Login sessions: refresh tokens and their rotation, the refresh cookie, revocation.

Called by `auth.service`, the routes and `realtime`. Read `service` first; `refresh_rotation` decides about reused
refresh tokens.
"""
