import errno
import socket
import urllib.error

import pytest

from cloudchat.client.network_problem import network_problem

REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (REFUSED, "connection refused"),
        (urllib.error.URLError(REFUSED), "connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not known"),
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError("by a proxy"), "by a proxy"),
        (OSError("Multiple exceptions: …"), "Multiple exceptions: …"),
        (EOFError(), "EOFError"),
    ],
)
def test_a_problem_of_the_network_is_a_text_for_people(error: Exception, text: str) -> None:
    assert network_problem(error) == text
