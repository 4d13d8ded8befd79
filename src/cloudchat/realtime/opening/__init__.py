"""The opening of a socket: the handshake, its queue, and the admission that holds its slots in the limits.

Only `app` imports it. Read `endpoint` first: it calls the others in their order.
"""
