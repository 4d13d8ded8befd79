"""Tokens: signed access and API tokens, whether they were revoked, and opaque random tokens.

Called by `auth` and `admin`. Read `kinds` first, then `access_tokens`; the keys that sign are in `auth/keys/`.
"""
