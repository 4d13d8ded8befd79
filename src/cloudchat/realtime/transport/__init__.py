"""The socket below the chat: its handshake, its frames in, what is written to it, and how it ends.

Called by `connection` and `opening/`; knows no rooms and no commands. Start with `websocket_protocol`, which is
uvicorn's protocol on three bases: `socket_writes`, `socket_close` and `socket_handshake`.
"""
