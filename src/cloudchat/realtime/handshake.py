"""The rules of the opening: which sockets are let in, and how each refusal is told. Sans-I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SUBPROTOCOL = "cloudchat.v1"
TOKEN_PREFIX = "cloudchat.token."  # noqa: S105 (what stands before the secret)


@dataclass(frozen=True, slots=True)
class Credential:
    """The token and the way it came: a browser can set nothing but subprotocols, and sees no HTTP status either."""

    token: str
    from_header: bool


@dataclass(frozen=True, slots=True)
class HandshakeRejection:
    """An HTTP answer in place of the upgrade."""

    status: int
    code: str
    message: str
    retry_after_seconds: int = 2
    """Told with 429 and 503."""


def credential_of(headers: Mapping[str, str], subprotocols: Sequence[str]) -> Credential | HandshakeRejection:
    """Find the one credential. Header names are lower case. The token is not checked here."""
    if SUBPROTOCOL not in subprotocols:
        return HandshakeRejection(400, "bad_request", f"ask for the subprotocol {SUBPROTOCOL}")
    tokens = [name.removeprefix(TOKEN_PREFIX) for name in subprotocols if name.startswith(TOKEN_PREFIX)]
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return Credential(bearer.strip(), from_header=True)
    if len(tokens) == 1:
        return Credential(tokens[0], from_header=False)
    if tokens:
        return HandshakeRejection(400, "bad_request", "more than one token")
    message = f"send an access token: Authorization: Bearer …, or the subprotocol {TOKEN_PREFIX}…"
    return HandshakeRejection(401, "unauthenticated", message)


def check_origin(headers: Mapping[str, str], allowed: Iterable[str]) -> HandshakeRejection | None:
    """Refuse pages of other origins (cross-site WebSocket hijacking), also `null`; programs send no Origin."""
    origin = headers.get("origin")
    if origin is None or origin in allowed:
        return None
    return HandshakeRejection(403, "forbidden", "this page's origin is not allowed (CLOUDCHAT_ALLOWED_ORIGINS)")
