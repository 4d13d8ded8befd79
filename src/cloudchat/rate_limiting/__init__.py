"""Every limit on how often or how much: token buckets, shared windows, login slow-down, connection limits.

Called by `auth`, `realtime` and the HTTP routes. Start with `token_bucket` (one process, no I/O), then `shared_window`
(all processes, in the store, with the fallback for a store that is away).
"""
