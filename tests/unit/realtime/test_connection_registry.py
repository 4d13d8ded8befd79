import itertools
from dataclasses import dataclass

import pytest

from cloudchat.auth.sessions.revocations import Revocations
from cloudchat.protocol.close_codes import CloseCode
from cloudchat.realtime.connection_registry import ConnectionRegistry, SocketLimits
from cloudchat.realtime.revocation_sweep import close_administrators, close_revoked


@dataclass(frozen=True)
class Person:
    user_id: str
    session_id: str = "s"
    scopes: frozenset[str] = frozenset({"chat:read"})
    access_changed_at: float | None = None
    key_id: str = "k1"


class Socket:
    def __init__(self):
        self.closed = None

    def close(self, code):
        self.closed = code


KEYS = frozenset({"k1", "k2"})
NUMBERS = itertools.count(1)


class Open:
    """What the roster sees of a connection."""

    def __init__(self, principal):
        self.principal = principal
        self.socket = Socket()
        self.number = next(NUMBERS)


@pytest.fixture
def roster():
    return ConnectionRegistry(SocketLimits(per_user=2, per_address=2, total=3), sends_per_10s=20)


def enter(roster, person):
    roster.sends_of(person.user_id, 0)
    connection = Open(person)
    return connection, roster.enter(connection, connection.number)


def test_an_address_has_so_many_places_and_gets_them_back(roster):
    assert [roster.reserve("a"), roster.reserve("a"), roster.reserve("a")] == [True, True, False]
    roster.release("a")
    assert roster.reserve("a")


def test_all_together_have_so_many_places(roster):
    assert [roster.reserve(address) for address in ("a", "a", "b", "c")] == [True, True, True, False]
    assert roster.full
    roster.release("b")
    assert not roster.full


def test_one_socket_too_many_costs_the_oldest(roster):
    first, _ = enter(roster, Person("u"))
    _, replaced = enter(roster, Person("u"))
    assert replaced is None
    enter(roster, Person("other"))
    _, replaced = enter(roster, Person("u"))
    assert replaced is first


def test_who_left_counts_no_more(roster):
    first, _ = enter(roster, Person("u"))
    second, _ = enter(roster, Person("u"))
    roster.leave(first, first.number)
    roster.leave(first, first.number)
    assert enter(roster, Person("u"))[1] is None
    assert second in roster.all()


def closed_by(roster, revocations):
    close_revoked(roster, revocations)
    return [connection.socket.closed for connection in roster.all()]


def test_an_ended_session_closes_its_own_sockets(roster):
    enter(roster, Person("u", "gone"))
    enter(roster, Person("u", "stays"))
    assert closed_by(roster, Revocations(frozenset({"gone"}), frozenset(), {}, KEYS)) == [CloseCode.TOKEN_INVALID, None]


def test_a_disabled_user_is_told_so(roster):
    enter(roster, Person("bad"))
    enter(roster, Person("good"))
    assert closed_by(roster, Revocations(frozenset(), frozenset({"bad"}), {}, KEYS)) == [
        CloseCode.ACCOUNT_DISABLED,
        None,
    ]


def test_changed_rights_close_what_does_not_have_them_and_nothing_else(roster):
    enter(roster, Person("u"))
    enter(roster, Person("u", access_changed_at=150.0))
    enter(roster, Person("other"))
    assert closed_by(roster, Revocations(frozenset(), frozenset(), {"u": 150.0}, KEYS)) == [
        CloseCode.TOKEN_INVALID,
        None,
        None,
    ]


def test_a_key_that_was_forgotten_closes_whoever_came_with_a_token_of_it(roster):
    enter(roster, Person("u", key_id="stolen"))
    enter(roster, Person("u", key_id="k2"))
    assert closed_by(roster, Revocations(frozenset(), frozenset(), {}, KEYS)) == [CloseCode.TOKEN_INVALID, None]


def test_blind_servers_keep_no_administrators(roster):
    enter(roster, Person("root", scopes=frozenset({"chat:read", "admin"})))
    enter(roster, Person("u"))
    close_administrators(roster)
    assert [connection.socket.closed for connection in roster.all()] == [CloseCode.TOKEN_INVALID, None]


def test_a_number_that_must_make_room_is_closed_and_an_unknown_one_is_not_missed(roster):
    first, _ = enter(roster, Person("u"))
    second, _ = enter(roster, Person("u"))
    roster.replace([first.number, 10**9])
    assert (first.socket.closed, second.socket.closed) == (CloseCode.REPLACED, None)
