"""Passwords: what is accepted, how they are hashed, how they are verified.

Called by the account services of `auth` and by `admin`. Start with `verification`.
"""
