"""Copies of the database, for backups: with SQLite's or PostgreSQL's own means, and from one kind into the other.

Called by `backup`. Start with `transfer` (SQLite, and a move to another database); `post_restore` invalidates what must
not return with a restored copy.
"""
