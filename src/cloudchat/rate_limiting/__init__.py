"""All rate limits: token buckets, windows shared through the store, logins, routes; `connections/` those of sockets.

Used by `auth`, `realtime` and the HTTP routes. Start with `token_bucket` (one process, no I/O) and `shared_window` (all
processes, in the store); `circuit_breaker` decides when to fall back to counting in this process alone.
"""
