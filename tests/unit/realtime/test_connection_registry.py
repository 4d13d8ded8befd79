"""The registry's limits, and which sockets a revocation closes."""

import itertools
from dataclasses import dataclass
from typing import cast

import pytest

from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.core.client_network import SUBSCRIBER_FACTOR
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.connection import Connection
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.ephemeral.local_presence import LocalPresence
from cloudchat.realtime.revocation_sweep import close_administrators, close_revoked
from cloudchat.realtime.user_allowance import READ_BURST_BYTES


@dataclass(frozen=True)
class FakePrincipal:
    user_id: str
    session_id: str = "s"
    scopes: frozenset[str] = frozenset({"chat:read"})
    access_changed_at: float | None = None
    key_id: str = "k1"


class FakeSocket:
    def __init__(self) -> None:
        self.close_code: CloseCode | None = None

    def close(self, code: CloseCode) -> None:
        self.close_code = code


VALID_KEYS = frozenset({"k1", "k2"})
SLOT_IDS = itertools.count(1)


class FakeConnection:
    """What the registry needs of a connection."""

    def __init__(self, principal: FakePrincipal) -> None:
        self.principal = principal
        self.socket = FakeSocket()
        self.slot_id = next(SLOT_IDS)


@pytest.fixture
def registry() -> ConnectionRegistry:
    return ConnectionRegistry(
        SocketLimits(per_user=2, per_address=2, total=3), sends_per_10s=20, sockets=LocalPresence()
    )


def add(registry: ConnectionRegistry, principal: FakePrincipal) -> FakeConnection:
    registry.allowance(principal.user_id, 0)
    connection = FakeConnection(principal)
    registry.add(cast(Connection, connection), connection.slot_id)
    return connection


def remove(registry: ConnectionRegistry, connection: FakeConnection, now: float = 0) -> None:
    registry.remove(cast(Connection, connection), connection.slot_id, now)


def test_reserve_returns_false_at_the_limit_of_an_address(registry: ConnectionRegistry) -> None:
    assert [registry.reserve("a"), registry.reserve("a"), registry.reserve("a")] == [True, True, False]
    registry.release("a")
    assert registry.reserve("a")


def test_the_networks_of_an_ipv6_subscriber_share_a_limit() -> None:
    registry = ConnectionRegistry(
        SocketLimits(per_user=2, per_address=1, total=100), sends_per_10s=20, sockets=LocalPresence()
    )
    networks = [f"2001:db8:0:{number:x}::/64" for number in range(SUBSCRIBER_FACTOR + 1)]
    assert [registry.reserve(network) for network in networks] == [True] * SUBSCRIBER_FACTOR + [False]
    assert registry.reserve("2001:db8:1::/64")
    registry.release(networks[0])
    assert registry.reserve(networks[-1])


def test_reserve_returns_false_at_the_total_limit(registry: ConnectionRegistry) -> None:
    assert [registry.reserve(address) for address in ("a", "a", "b", "c")] == [True, True, True, False]
    assert registry.full
    registry.release("b")
    assert not registry.full
    assert len(registry) == 2


def test_add_above_the_limit_of_a_user_closes_the_oldest_connection(registry: ConnectionRegistry) -> None:
    first = add(registry, FakePrincipal("u"))
    second = add(registry, FakePrincipal("u"))
    add(registry, FakePrincipal("other"))
    assert first.socket.close_code is None
    third = add(registry, FakePrincipal("u"))
    assert first.socket.close_code is CloseCode.REPLACED
    assert (second.socket.close_code, third.socket.close_code) == (None, None)


def test_removed_connection_does_not_count(registry: ConnectionRegistry) -> None:
    first = add(registry, FakePrincipal("u"))
    second = add(registry, FakePrincipal("u"))
    remove(registry, first)
    remove(registry, first)
    add(registry, FakePrincipal("u"))
    assert second.socket.close_code is None
    assert cast(Connection, second) in registry.all()


def test_sockets_of_a_user_share_one_allowance(registry: ConnectionRegistry) -> None:
    allowance = registry.allowance("u", 0)
    add(registry, FakePrincipal("u"))
    assert registry.allowance("u", 0) is allowance
    assert registry.allowance("other", 0) is not allowance


def test_allowance_outlives_the_last_socket_until_it_is_full_again(registry: ConnectionRegistry) -> None:
    connection = add(registry, FakePrincipal("u"))
    used = registry.allowance("u", 0)
    used.sends.take(0)
    remove(registry, connection)
    assert registry.allowance("u", 0.1) is used
    remove(registry, add(registry, FakePrincipal("u")), 0.1)
    assert registry.allowance("u", 3600) is not used


def test_users_without_sockets_are_forgotten(registry: ConnectionRegistry) -> None:
    for number in range(1000):
        connection = add(registry, FakePrincipal(f"u{number}"))
        registry.allowance(f"u{number}", 0).reads.charge(READ_BURST_BYTES, 0)
        remove(registry, connection)
    assert registry.known_users == 1000
    remove(registry, add(registry, FakePrincipal("last")), 60)
    assert registry.known_users == 0


def test_evict_closes_listed_slots_and_ignores_unknown_ones(registry: ConnectionRegistry) -> None:
    first = add(registry, FakePrincipal("u"))
    second = add(registry, FakePrincipal("u"))
    registry.evict([first.slot_id, 10**9])
    assert (first.socket.close_code, second.socket.close_code) == (CloseCode.REPLACED, None)


def close_codes_after(registry: ConnectionRegistry, revocations: Revocations) -> list[int | None]:
    close_revoked(registry, revocations)
    return [connection.socket.close_code for connection in registry.all()]


def test_revoked_session_closes_its_own_sockets_only(registry: ConnectionRegistry) -> None:
    add(registry, FakePrincipal("u", "revoked"))
    add(registry, FakePrincipal("u", "valid"))
    revocations = Revocations(frozenset({"revoked"}), frozenset(), {}, VALID_KEYS)
    assert close_codes_after(registry, revocations) == [CloseCode.TOKEN_INVALID, None]


def test_disabled_user_is_closed_with_4403(registry: ConnectionRegistry) -> None:
    add(registry, FakePrincipal("disabled"))
    add(registry, FakePrincipal("enabled"))
    revocations = Revocations(frozenset(), frozenset({"disabled"}), {}, VALID_KEYS)
    assert close_codes_after(registry, revocations) == [CloseCode.ACCOUNT_DISABLED, None]


def test_changed_rights_close_only_sockets_that_do_not_have_them(registry: ConnectionRegistry) -> None:
    add(registry, FakePrincipal("u"))
    add(registry, FakePrincipal("u", access_changed_at=150.0))
    add(registry, FakePrincipal("other"))
    revocations = Revocations(frozenset(), frozenset(), {"u": 150.0}, VALID_KEYS)
    assert close_codes_after(registry, revocations) == [CloseCode.TOKEN_INVALID, None, None]


def test_deleted_signing_key_closes_the_sockets_of_its_tokens(registry: ConnectionRegistry) -> None:
    add(registry, FakePrincipal("u", key_id="stolen"))
    add(registry, FakePrincipal("u", key_id="k2"))
    revocations = Revocations(frozenset(), frozenset(), {}, VALID_KEYS)
    assert close_codes_after(registry, revocations) == [CloseCode.TOKEN_INVALID, None]


def test_close_administrators_leaves_other_users_connected(registry: ConnectionRegistry) -> None:
    add(registry, FakePrincipal("root", scopes=frozenset({"chat:read", "admin"})))
    add(registry, FakePrincipal("u"))
    close_administrators(registry)
    assert [connection.socket.close_code for connection in registry.all()] == [CloseCode.TOKEN_INVALID, None]
