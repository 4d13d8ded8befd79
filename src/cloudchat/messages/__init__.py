"""Sending messages: `service.py` checks whether a user may post in a room (the rules are those of `rooms/posting.py`),
and appends the message to its log.

Called by realtime's dispatcher for each `send`; `observability/tracing.py` decorates the service.
"""
