"""Import rooms: files of `cloudchat admin export`, and exports of Slack (`slack/`).

Both make a `SourceRoom` and a stream of `SourceRow`s (`source.py`); `room_import.py` writes them into the archive of a
new room, which users see when it is complete. Start with `room_import.py`; `export_file.py` reads the own format.
"""
