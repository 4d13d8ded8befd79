"""The error of a message as an HTTP response."""

from cloudchat.protocol.errors import Error, ErrorCode, ServiceError

_UNPROCESSABLE = 422  # RFC 9110 §15.5.21: the request is understood, and its content is not valid


class MessageError(ServiceError):
    """The error that a socket would get."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.code, self.field, self.retry_after_ms = error.code, error.field, error.retry_after_ms
        self.status = _UNPROCESSABLE if error.code is ErrorCode.BAD_REQUEST else None
