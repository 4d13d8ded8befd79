"""Remove the words of deleted texts from SQLite's search index, by merging it. Start with `merge_task.py`."""
