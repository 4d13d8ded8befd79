"""Erase what a person has written, after `cloudchat admin erase-user`. Start with `erasure_task.py`."""
