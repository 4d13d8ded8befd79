"""The second factor: TOTP codes of an authenticator app, and recovery codes.

Called by `auth.service`, `auth.sessions` and `admin`. Read `service` first.
"""
