"""The wire protocol `cloudchat.v1`, sans-I/O: commands from clients, events to them, errors and close codes.

Every package may import from here; nothing here imports from the rest of cloudchat.
Start with `commands` and `replies`: each message type stands there with its fields, units and bounds.
"""
