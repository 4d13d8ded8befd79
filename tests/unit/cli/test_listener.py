"""Whether a socket that systemd opened is meant for this process."""

import pytest

from cloudchat.cli.errors import CommandError
from cloudchat.cli.listener import descriptor_to_inherit

PID = 4711


def test_a_socket_for_us_is_taken_and_forgotten() -> None:
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": str(PID), "LISTEN_FDNAMES": "cloudchat.socket", "HOME": "/"}
    assert descriptor_to_inherit(None, environment, PID) == 3
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize("left", [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "1"}])
def test_what_was_meant_for_another_process_is_not_taken(left: dict[str, str]) -> None:
    environment = dict(left)
    assert descriptor_to_inherit(None, environment, PID) is None
    assert environment == {}


def test_of_several_sockets_none_is_guessed() -> None:
    with pytest.raises(CommandError, match="2 sockets"):
        descriptor_to_inherit(None, {"LISTEN_FDS": "2", "LISTEN_PID": str(PID)}, PID)


def test_a_chosen_one_comes_first() -> None:
    environment = {"LISTEN_FDS": "2", "LISTEN_PID": str(PID)}
    assert descriptor_to_inherit(4, environment, PID) == 4
    assert environment == {}
