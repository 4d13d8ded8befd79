"""Sending messages: `service.py` decides whether a user may post in a room, and appends the message to its log.

Called by realtime's dispatcher for each `send`; `observability/tracing.py` decorates the service.
"""
