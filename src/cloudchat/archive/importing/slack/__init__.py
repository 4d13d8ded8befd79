"""Read exports of Slack: a zip with users, channels, and one JSON file for each channel and day.

`export.py` is the whole of it: rooms and rows for `room_import.py`. `zip_file.py` reads hostile zips, `messages.py`
converts one message, `text.py` and `rich_text.py` its text, `emoji.py` the names of emoji.

The format: https://slack.com/help/articles/220556107 and https://docs.slack.dev/reference/events/message.
"""
