"""Passwords: which are accepted, how they are hashed, how an entered one is verified.

Called by `auth.service`, `auth.bootstrap` and `admin`. Read `policy` with `blocklist`, then `hashing`, `turns` and
`verification`.
"""
