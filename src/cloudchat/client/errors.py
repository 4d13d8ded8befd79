"""Why the client gave up: on one message, or for good."""


class ClientError(Exception):
    """Anything below."""


class SendRefused(ClientError):
    """The server refused the message for good. `code` is its error code (PROTOCOL: `error`)."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.field = field


class OutcomeUnknown(ClientError):
    """The message may or may not have been stored: its cid is too old to ask again without risking a double."""


class OutboxFull(ClientError):
    """Too many messages wait for an acknowledgement; wait for some of them first."""


class ConnectionEnded(ClientError):
    """The server ended the connection in a way after which a client must not come back by itself.

    `code` is the close code, or the HTTP status that refused the upgrade.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code


class SignInNeeded(ClientError):
    """No token is accepted any more. A token provider raises it when it has none left."""


class Closed(ClientError):
    """The client was closed while this was under way."""


class ConnectionLost(ClientError):
    """The connection ended before the reply came; the client is on its way back."""


class RequestRefused(ClientError):
    """The server answered a request with `error`; `code` is its error code."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.field = field
