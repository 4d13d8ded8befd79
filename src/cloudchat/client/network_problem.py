"""Why a connection could not be opened, as a text for people. For the client and `cloudchat chat`."""

import os
import socket


def network_problem(error: Exception) -> str:
    """Return the text for an error of the network: "connection refused" and not "[Errno 111] Connect call failed …"."""
    reason = getattr(error, "reason", error)  # urllib puts the error of the socket into its own
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, socket.gaierror):
        return (reason.strerror or "the name is not known").lower()
    if isinstance(reason, ConnectionError) and reason.errno is not None:
        return os.strerror(reason.errno).lower()
    return str(reason) or type(reason).__name__
