"""uWebSockets (C++) by its binding `socketify`: Python is called once per message, the broadcast is in C++."""

import sys

from socketify import App, CompressOptions, OpCode, WebSocket

_ROOM = "room"


def main(port: int) -> None:
    """Broadcast each text to all connections."""
    app = App()

    def on_open(socket: WebSocket) -> None:
        socket.subscribe(_ROOM)

    def on_message(socket: WebSocket, message: str, opcode: OpCode) -> None:
        app.publish(_ROOM, message, OpCode.TEXT)

    app.ws("/*", {"compression": CompressOptions.DISABLED, "open": on_open, "message": on_message})
    app.listen(port)
    app.run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
