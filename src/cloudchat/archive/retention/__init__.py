"""Delete messages that are older than the installation or their room keeps them. Start with `retention_task.py`."""
