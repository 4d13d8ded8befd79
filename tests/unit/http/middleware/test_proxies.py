"""Trusted proxies: whose X-Forwarded-* headers are used."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from cloudchat.http.middleware.proxies import UNREADABLE, TrustedProxies
from cloudchat.settings import Settings

pytestmark = pytest.mark.anyio
PROXIES = ("127.0.0.1", "10.0.0.0/24", "2001:db8::/64")
TCP, UNIX = ("127.0.0.1", 8000), ("/run/cloudchat.sock", None)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def scope_after(
    peer: str | None, *headers: tuple[str, str], kind: str = "http", server: tuple[str, int | None] = TCP
) -> Scope:
    """Return the scope that the application gets."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def receive_nothing() -> Message:
        raise AssertionError

    async def send_nothing(message: Message) -> None:
        raise AssertionError

    scope = {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "client": (peer, 4711) if peer else None,
        "server": server,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    await TrustedProxies(app, PROXIES)(scope, receive_nothing, send_nothing)
    return scopes[0]


FOR, PROTO = "x-forwarded-for", "x-forwarded-proto"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the left one was sent by the client
        ("198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),  # through two trusted proxies
        ("127.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("2001:db8:1::5", "2001:db8:1::5"),
        ("10.0.0.7", "10.0.0.7"),
        ("127.0.0.1", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.9, unknown", "127.0.0.1"),
        ("203.0.113.9, unknown, 10.0.0.7", "10.0.0.7"),
        ("203.0.113.9:443", "203.0.113.9"),
        ("198.51.100.1:5, 203.0.113.9:51234,10.0.0.7:80", "203.0.113.9"),
        ("[2001:db8:1::5]:51234", "2001:db8:1::5"),
        ("[2001:db8:1::5]", "2001:db8:1::5"),
        ('"[2001:db8:1::5]:51234"', "2001:db8:1::5"),
        ("2001:DB8:1:0::5", "2001:db8:1::5"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("203.0.113.9, [::ffff:10.0.0.7]:80", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("203.0.113.9, ", "203.0.113.9"),
        (", 203.0.113.9,, 10.0.0.7", "203.0.113.9"),
        ("203.0.113.9:", "127.0.0.1"),
        ("203.0.113.9:x", "127.0.0.1"),
        ("203.0.113.9:70000", "127.0.0.1"),
        ("203.0.113.9:1:2", "127.0.0.1"),
        ("[203.0.113.9]", "127.0.0.1"),
        ("[2001:db8:1::5", "127.0.0.1"),
        ("[2001:db8:1::5]x", "127.0.0.1"),
        ("for=203.0.113.9", "127.0.0.1"),
        ("203.0.113.9\r\nX: y", "127.0.0.1"),
        (", ,", "127.0.0.1"),
        ("1" * 5000, "127.0.0.1"),
        (", ".join(["198.51.100.1"] * 500 + ["203.0.113.9"]), "203.0.113.9"),
    ],
)
async def test_the_client_is_the_right_most_address_that_is_not_a_proxy(kind: str, forwarded: str, client: str) -> None:
    assert (await scope_after("127.0.0.1", (FOR, forwarded), kind=kind))["client"][0] == client


@pytest.mark.parametrize(("forwarded", "warns"), [("unknown", True), ("203.0.113.9, _x", True), ("203.0.113.9:x", True),
    ("unknown, 203.0.113.9", False), ("203.0.113.9:51234", False), ("", False)])  # fmt: skip
async def test_a_client_address_that_cannot_be_read_is_a_warning(
    forwarded: str, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise all clients of the proxy silently share its rate limits."""
    scope = await scope_after("127.0.0.1", (FOR, forwarded))
    assert ("X-Forwarded-For" in caplog.text) == warns
    assert (UNREADABLE in scope.get("state", {})) == warns
    if warns:
        (record,) = caplog.records
        assert record.__dict__["rate_limited"]
        assert "127.0.0.1" in record.getMessage()


async def test_a_peer_that_is_not_trusted_causes_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    await scope_after("203.0.113.1", (FOR, "unknown"))
    assert caplog.text == ""


async def test_repeated_headers_are_one_list() -> None:
    scope = await scope_after("10.0.0.1", (FOR, "198.51.100.1"), (FOR, "203.0.113.9"))
    assert scope["client"][0] == "203.0.113.9"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("peer", ["203.0.113.1", "10.0.1.1", "localhost", None])
async def test_other_peers_are_not_trusted(kind: str, peer: str | None) -> None:
    scope = await scope_after(peer, (FOR, "127.0.0.1"), (PROTO, "https"), kind=kind)
    assert scope["client"] == ((peer, 4711) if peer else None)
    assert scope["scheme"] in ("http", "ws")


@pytest.mark.parametrize("name", ["x-real-ip", "forwarded", "x-client-ip", "true-client-ip", "x_forwarded_for"])
async def test_other_headers_are_ignored(name: str) -> None:
    assert (await scope_after("127.0.0.1", (name, "203.0.113.9")))["client"] == ("127.0.0.1", 4711)


async def test_the_peer_on_a_unix_socket_is_trusted_and_the_client_behind_it_is_not() -> None:
    scope = await scope_after(None, (FOR, "198.51.100.1, 203.0.113.9"), (PROTO, "https"), server=UNIX)
    assert (scope["client"][0], scope["scheme"]) == ("203.0.113.9", "https")


@pytest.mark.parametrize(
    ("kind", "protocol", "scheme"),
    [("http", "https", "https"), ("websocket", "https", "wss"), ("http", "gopher", "http"), ("websocket", "ftp", "ws")],
)
async def test_the_scheme_is_that_of_the_proxy(kind: str, protocol: str, scheme: str) -> None:
    assert (await scope_after("127.0.0.1", (PROTO, protocol), kind=kind))["scheme"] == scheme


@pytest.mark.parametrize("proxies", ["*", "localhost", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.1-10.0.0.2"])
def test_an_invalid_list_of_proxies_is_rejected_at_the_start(proxies: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=proxies)
