"""The `cloudchat` command: serve (`serving/`), admin (`admin/`), init, doctor, chat, frontend.

Only `main.py` is called from outside; start there. Modules that load slowly are imported inside the functions that need
them, so that `--help` and small commands are fast.
"""
