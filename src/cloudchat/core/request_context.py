"""Which request is being worked on: every line that is logged meanwhile names it, in whatever thread."""

from contextvars import ContextVar

REQUEST: ContextVar[str | None] = ContextVar("request", default=None)
