"""Posting and changing messages: `service.py` checks whether a user may write in a room, and appends the event to its
log.

Called by realtime's dispatcher for each command of a socket, and by `request_posting.py` for HTTP;
`observability/tracing.py` decorates the service. `mentions.py` finds who is mentioned in a text.
"""
