"""WebSockets: from the handshake to the fan-out of events. Only `app` imports this package.

Read it in this order: transport, opening, connection, command_gate, commands; (the broker); feeds, hub. Beside the path
of messages are membership and ephemeral. Start with `opening/endpoint.py`, which opens a socket, and
`transport/websocket_protocol.py`, which is the socket.
"""
