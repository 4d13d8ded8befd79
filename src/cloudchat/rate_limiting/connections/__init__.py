"""The limits on the handshakes and the open sockets of a user and of an address.

Called by `realtime`. Start with `cluster_connection_limit`; `connection_rate` has the windows of handshakes, and
`handshake_calls` makes one call to the store of all handshakes of a tick.
"""
