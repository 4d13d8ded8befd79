"""Tokens: signed access and API tokens, their signing keys and rotation, and opaque random tokens.

Called by `auth`, `admin` and `backup`. Read `access_tokens` first, then `keys` and `key_rotation`.
"""
