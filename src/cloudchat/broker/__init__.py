"""The room logs in the store (Redis or Valkey), and the notifications between the processes that share it.

Packages above `broker` use `Broker` and its types; `app` builds the `RedisBroker`, the threads of `rate_limiting` use
`blocking_connection`, `backup` and `doctor` use `sync_client`. Start with `broker`, which states the guarantee, then
`redis_broker`.
"""
