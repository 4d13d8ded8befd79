"""The room logs in the store (Redis or Valkey), and the notifications between the processes that share it.

Packages above `broker` use `Broker`, its types (`appends`, `reads`) and `connections/`; `app` builds the `RedisBroker`.
Start with `broker`, which states the guarantee, then `redis_broker`; `functions/` is the side of the store.
"""
