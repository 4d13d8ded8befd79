"""One file with everything that a server keeps, and the way back."""

UNFINISHED = "restore.unfinished"
"""A file in the state folder while it is neither the old state nor the new one: no server may start there."""
