"""The embedded store: a real Valkey or Redis as a child process of the server.

Called by `cli.serve` and `backup`. Start with `server`.
"""
