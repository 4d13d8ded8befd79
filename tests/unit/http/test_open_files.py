"""The reserve of file descriptors that clients cannot use up."""

import resource

import pytest

from cloudchat.http.open_files import CONNECTION_RESERVE, SOCKET_RESERVE, reaches_reserve


@pytest.mark.parametrize("limit", [64, 256, 1024, 20_000, 1_048_576])
def test_sockets_are_refused_before_other_connections(limit: int) -> None:
    first_socket = next(number for number in range(limit) if reaches_reserve(number, limit, SOCKET_RESERVE))
    first_connection = next(number for number in range(limit) if reaches_reserve(number, limit, CONNECTION_RESERVE))
    assert limit // 2 < first_socket < first_connection < limit
    assert limit - first_socket <= SOCKET_RESERVE
    assert all(reaches_reserve(number, limit, SOCKET_RESERVE) for number in range(first_socket, limit))


def test_nothing_is_reserved_without_a_limit() -> None:
    assert not reaches_reserve(10**6, resource.RLIM_INFINITY, SOCKET_RESERVE)
