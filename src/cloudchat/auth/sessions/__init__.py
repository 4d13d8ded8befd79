"""Login sessions: refresh tokens and their rotation, the refresh cookie, revocation.

Called by `auth.service` and `realtime`. Start with `service`; the rule for a reused token is in `refresh_rotation`.
"""
