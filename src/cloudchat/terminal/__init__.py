"""`cloudchat chat`: the chat in a terminal, and line by line in a pipe.

Read `session.py` first: it connects the client, what is known of the rooms (`conversation.py`) and what the user types
(`commands.py`). `room_directory.py` creates and joins rooms over HTTP; `screen.py` and `lines.py` are the two ways to
show a session. Only `cli/chat.py` imports this package.
"""
