"""Connections to the store: for the event loop (`redis_connection`), for threads, and redis-py for the tools.

Packages above `broker` use `redis_functions`, `blocking_connection` and `sync_client`. Start with `redis_connection`.
"""


class BrokerUnavailable(Exception):
    """The store did not answer in time, or refused the call. A retry later is safe."""
