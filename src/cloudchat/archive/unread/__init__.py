"""Count the unread messages that only the archive has. `realtime/commands/unread.py` adds those of the log."""
