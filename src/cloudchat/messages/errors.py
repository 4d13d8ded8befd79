"""The error of a message as an HTTP response."""

from cloudchat.protocol.errors import Error, ServiceError


class MessageError(ServiceError):
    """The error that a socket would get."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.code, self.field, self.retry_after_ms = error.code, error.field, error.retry_after_ms
