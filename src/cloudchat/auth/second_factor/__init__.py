"""The second factor: TOTP codes and recovery codes.

Called by `auth.service` and `admin`. Start with `service`.
"""
