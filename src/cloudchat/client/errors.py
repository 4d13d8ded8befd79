"""Errors of the client: those of one command, and those that end the client."""


class ClientError(Exception):
    """The base of all errors of the client."""


# -- of one command ---------------------------------------------------------------------------------------------------


class CommandRefused(ClientError):
    """The server answered a command with `error`: its `code`, its `message`, and the `field` at fault if known.

    `retry_after_ms` says when the same command can succeed, if it can.
    """

    def __init__(self, code: str, message: str, field: str | None = None, *, retry_after_ms: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_ms = retry_after_ms


class SendRefused(CommandRefused):
    """The server refused a message, or a change of one, and a retry now cannot succeed."""


class RequestRefused(CommandRefused):
    """The server refused a request."""


class OutcomeUnknown(ClientError):
    """It is not known whether the server stored the message or the change. Its cid is too old for a retry: the server
    could have forgotten it and store it twice.
    """


class OutboxFull(ClientError):
    """Too many messages and changes are not acknowledged yet. Wait for some of them, then send again."""


class ConnectionLost(ClientError):
    """The connection ended before the reply came. The client reconnects automatically."""


# -- of the client ----------------------------------------------------------------------------------------------------


class ConnectionEnded(ClientError):
    """The server ended the connection, and a client must not reconnect without a decision by its user.

    `code` is the close code, or the HTTP status that refused the handshake.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code


class SignInRequired(ClientError):
    """The server accepts no token of this client any more. A token provider raises it when it cannot get one."""


class ClientClosed(ClientError):
    """The client was closed."""
