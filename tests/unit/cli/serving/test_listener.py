"""Socket activation: which descriptor of systemd is used."""

import pytest

from cloudchat.cli.errors import CommandError
from cloudchat.cli.serving.listener import descriptor_to_inherit

PID = 4711


def test_a_socket_for_this_process_is_used_and_its_variables_are_removed() -> None:
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": str(PID), "LISTEN_FDNAMES": "cloudchat.socket", "HOME": "/"}
    assert descriptor_to_inherit(None, environment, PID) == 3
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize("variables", [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "1"}])
def test_a_socket_for_another_process_is_not_used(variables: dict[str, str]) -> None:
    environment = dict(variables)
    assert descriptor_to_inherit(None, environment, PID) is None
    assert environment == {}


def test_several_sockets_without_a_choice_are_an_error() -> None:
    with pytest.raises(CommandError, match="2 sockets"):
        descriptor_to_inherit(None, {"LISTEN_FDS": "2", "LISTEN_PID": str(PID)}, PID)


def test_the_chosen_descriptor_has_priority() -> None:
    environment = {"LISTEN_FDS": "2", "LISTEN_PID": str(PID)}
    assert descriptor_to_inherit(4, environment, PID) == 4
    assert environment == {}
