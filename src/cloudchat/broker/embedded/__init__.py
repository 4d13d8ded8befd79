"""The embedded store: a Valkey or Redis server as a child process, for installations without a store of their own.

`cli.serve` and `backup` run it. Start with `server`, which starts, restarts and stops the child.
"""


class StoreStartError(Exception):
    """The embedded store did not start. The message is one line for the operator and says what to do."""
