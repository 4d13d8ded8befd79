"""`cloudchat admin`: users, tokens, invites, keys, the audit log, and backups, for a shell on the server.

Only `cli.main` imports it. Start with `commands`, which registers all of them.
"""
