"""What `cloudchat doctor` checks in the archive: `repository.py` counts the rows that contradict each other."""
