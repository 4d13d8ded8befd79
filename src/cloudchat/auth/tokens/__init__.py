"""Tokens: signed access and API tokens, their keys and the rotation of those, and opaque random tokens.

Called by `auth`, `admin` and `backup`. Start with `access_tokens`.
"""
