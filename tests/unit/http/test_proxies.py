"""Whom the server believes about who asks."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from cloudchat.http.proxies import TrustedProxies
from cloudchat.settings import Settings

pytestmark = pytest.mark.anyio
PROXIES = ("127.0.0.1", "10.0.0.0/24", "2001:db8::/64")
TCP, UNIX = ("127.0.0.1", 8000), ("/run/cloudchat.sock", None)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def seen(
    peer: str | None, *headers: tuple[str, str], kind: str = "http", server: tuple[str, int | None] = TCP
) -> Scope:
    """What the application below gets to see."""
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    async def nothing() -> Message:
        raise AssertionError

    async def nobody(message: Message) -> None:
        raise AssertionError

    scope = {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "client": (peer, 4711) if peer else None,
        "server": server,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    await TrustedProxies(app, PROXIES)(scope, nothing, nobody)
    return found[0]


FOR, PROTO = "x-forwarded-for", "x-forwarded-proto"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the left one is what the client itself made up
        ("198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),  # through two of ours
        ("127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("2001:db8:1::5", "2001:db8:1::5"),
        ("10.0.0.7", "10.0.0.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.9, unknown", "127.0.0.1"),
        ("203.0.113.9, unknown, 10.0.0.7", "10.0.0.7"),
        ("203.0.113.9:443", "127.0.0.1"),
        ("203.0.113.9\r\nX: y", "127.0.0.1"),
        (", ,", "127.0.0.1"),
        ("1" * 5000, "127.0.0.1"),
        (", ".join(["198.51.100.1"] * 500 + ["203.0.113.9"]), "203.0.113.9"),
    ],
)
async def test_a_named_proxy_is_believed_for_the_right_most_stranger(kind: str, said: str, client: str) -> None:
    assert (await seen("127.0.0.1", (FOR, said), kind=kind))["client"][0] == client


async def test_headers_that_come_in_pieces_are_one_list() -> None:
    scope = await seen("10.0.0.1", (FOR, "198.51.100.1"), (FOR, "203.0.113.9"))
    assert scope["client"][0] == "203.0.113.9"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("peer", ["203.0.113.1", "10.0.1.1", "localhost", None])
async def test_nobody_else_is_believed(kind: str, peer: str | None) -> None:
    scope = await seen(peer, (FOR, "127.0.0.1"), (PROTO, "https"), kind=kind)
    assert scope["client"] == ((peer, 4711) if peer else None)
    assert scope["scheme"] in ("http", "ws")


@pytest.mark.parametrize("name", ["x-real-ip", "forwarded", "x-client-ip", "true-client-ip", "x_forwarded_for"])
async def test_no_other_header_changes_anything(name: str) -> None:
    assert (await seen("127.0.0.1", (name, "203.0.113.9")))["client"] == ("127.0.0.1", 4711)


async def test_over_a_unix_socket_the_proxy_in_front_is_believed_but_not_the_client_behind_it() -> None:
    scope = await seen(None, (FOR, "198.51.100.1, 203.0.113.9"), (PROTO, "https"), server=UNIX)
    assert (scope["client"][0], scope["scheme"]) == ("203.0.113.9", "https")


@pytest.mark.parametrize(
    ("kind", "said", "scheme"),
    [("http", "https", "https"), ("websocket", "https", "wss"), ("http", "gopher", "http"), ("websocket", "ftp", "ws")],
)
async def test_the_scheme_is_the_proxy_s(kind: str, said: str, scheme: str) -> None:
    assert (await seen("127.0.0.1", (PROTO, said), kind=kind))["scheme"] == scheme


@pytest.mark.parametrize("proxies", ["*", "localhost", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.1 10.0.0.2"])
def test_what_names_no_proxy_is_refused_at_the_start(proxies: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=proxies)  # type: ignore[arg-type]
