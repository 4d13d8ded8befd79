"""The server's keys: signing keys of tokens with their rotation, and the vault's key, in one directory with one lock.

Called by `auth`, `backup` and `cli`. Read `key_folder` first, then `signing_keys` and `key_rotation`.
"""
