"""Signed tokens: JWTs with ES256, verified strictly. The only importer of `jose`.

Used directly, python-jose ignores `kid`, `typ` and `crit`, accepts a token without `exp` or `aud`, and raises
exceptions other than JWTError before it checks the signature. So this module checks the form first, then an exact
header, one algorithm, one key chosen by `kid` and an exact set of claims, and raises one exception for all errors (RFC
8725, ASVS 9.1 and 9.2). jose issues the tokens, and its key verifies the signatures. `jose.jwt.decode` would parse each
token three times, which took a third of the CPU time of a verification.
"""

import json
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from jose import backends, jwt
from jose.backends.cryptography_backend import CryptographyECKey
from jose.utils import base64url_decode
from msgspec import Struct

from cloudchat.auth.errors import BadToken
from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.keys.signing_keys import KeyRing
from cloudchat.auth.tokens.kinds import ACCESS, API, MAX_API_TOKEN_SECONDS

if backends.ECKey is not CryptographyECKey:  # pragma: no cover - a broken installation
    raise ImportError("python-jose would use its pure Python signatures; install python-jose[cryptography]")

_TYP = {ACCESS: "at+jwt", API: "api+jwt"}  # "at+jwt": RFC 9068 §2.1
_KIND = {typ: kind for kind, typ in _TYP.items()}
_ISSUER = _AUDIENCE = "cloudchat"  # the server issues tokens for itself
_LEEWAY_SECONDS = 5
_CACHED_HEADERS = 16
"""All tokens of one kind and one key have the same header."""
_TOKEN_PATTERN = re.compile(r"[A-Za-z0-9_-]{16,300}\.[A-Za-z0-9_-]{16,3000}\.[A-Za-z0-9_-]{86}", re.ASCII)
_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_HEADER_NAMES = {"alg", "typ", "kid"}
_COMMON_CLAIMS = {"iss", "aud", "sub", "jti", "iat", "nbf", "exp"}
_CLAIMS = {ACCESS: _COMMON_CLAIMS | {"sid"}, API: _COMMON_CLAIMS}


class Claims(Struct, frozen=True):
    """The claims of a valid token. `session_id` is empty in an API token. Times are seconds since 1970."""

    kind: str
    user_id: str
    token_id: str
    session_id: str
    issued_at: int
    expires_at: int
    key_id: str


class _JoseKeys:
    """A key ring in jose's classes, converted once per ring instead of once per token."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.signing_kid = ring.signing_kid
        self.signing_key = CryptographyECKey(ring.keys[ring.signing_kid], "ES256")
        self.verifying_keys = {kid: CryptographyECKey(key.public_key(), "ES256") for kid, key in ring.keys.items()}


class Tokens:
    """Issues and verifies access tokens (for people, minutes) and API tokens (for programs, days)."""

    def __init__(self, keys: KeyRing | LiveKeyRing, *, access_seconds: int) -> None:
        self._keys = keys
        self._jose_keys = _JoseKeys(keys.current())
        self._access_seconds = access_seconds
        self._max_seconds = {ACCESS: access_seconds, API: MAX_API_TOKEN_SECONDS}

    def issue_access(self, user_id: str, session_id: str, token_id: str, now: float) -> str:
        """Return an access token for a login session, valid for `access_seconds`."""
        return self._sign(ACCESS, user_id, token_id, int(now), int(now) + self._access_seconds, {"sid": session_id})

    def issue_api(self, user_id: str, token_id: str, now: float, expires_at: int) -> str:
        """Return an API token. Its state is the row `token_id` of the table `api_tokens`."""
        return self._sign(API, user_id, token_id, int(now), expires_at, {})

    def verify(self, token: str, now: float, kinds: Collection[str] = (ACCESS, API)) -> Claims:
        """Return the claims of `token` if this server signed it, its kind is one of `kinds`, and it is valid at `now`.

        Does not check revocation.

        Raises:
            BadToken: The only exception, for any invalid `token`.
        """
        try:
            return self._verify(token, now, kinds)
        except BadToken:
            raise
        except Exception as error:  # of base64, JSON and jose: ValueError, KeyError, TypeError, RecursionError …
            raise BadToken("the token is not valid") from error

    def _sign(
        self, kind: str, user_id: str, token_id: str, issued_at: int, expires_at: int, extra_claims: dict[str, str]
    ) -> str:
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "jti": token_id,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
            **extra_claims,
        }
        keys = self._current()
        headers = {"typ": _TYP[kind], "kid": keys.signing_kid}
        return str(jwt.encode(claims, keys.signing_key, algorithm="ES256", headers=headers))

    def _current(self, *, reload: bool = False) -> _JoseKeys:
        ring = self._keys.current(reload=reload)
        if ring is not self._jose_keys.ring:
            self._jose_keys = _JoseKeys(ring)
        return self._jose_keys

    def _verify(self, token: str, now: float, kinds: Collection[str]) -> Claims:
        if not isinstance(token, str) or not _TOKEN_PATTERN.fullmatch(token):
            raise BadToken("the token is not valid")
        signed, _, signature = token.rpartition(".")
        header_part, _, claims_part = signed.partition(".")
        kind, kid = _kind_and_key(header_part)
        if kind not in kinds:
            raise BadToken("this kind of token is not accepted here")
        keys = self._current().verifying_keys
        if kid not in keys:  # perhaps another process has just rotated the keys
            keys = self._current(reload=True).verifying_keys
        key: Any = keys[kid]
        if not key.verify(signed.encode(), base64url_decode(signature.encode())):
            raise BadToken("the token is not valid")
        claims = _decode(claims_part)
        self._check_claims(kind, claims, now)
        return Claims(
            kind=kind,
            user_id=claims["sub"],
            token_id=claims["jti"],
            session_id=claims.get("sid", ""),
            issued_at=claims["iat"],
            expires_at=claims["exp"],
            key_id=kid,
        )

    def _check_claims(self, kind: str, claims: dict[str, Any], now: float) -> None:
        if set(claims) != _CLAIMS[kind] or claims["iss"] != _ISSUER or claims["aud"] != _AUDIENCE:
            raise BadToken("the token is not valid")
        ids = [claims[name] for name in ("sub", "jti", "sid") if name in claims]
        if any(type(value) is not str or not _ID_PATTERN.fullmatch(value) for value in ids):
            raise BadToken("the token is not valid")
        issued_at, not_before, expires_at = claims["iat"], claims["nbf"], claims["exp"]
        if any(type(value) is not int for value in (issued_at, not_before, expires_at)):
            raise BadToken("the token is not valid")
        if not 0 < expires_at - issued_at <= self._max_seconds[kind]:
            raise BadToken("the token is not valid")
        if max(issued_at, not_before) > now + _LEEWAY_SECONDS:
            raise BadToken("the token is not valid yet; check the clocks")
        # No leeway for the end: the server that issued the token measures it, and sockets are closed at this time.
        if now >= expires_at:
            raise BadToken("the token has expired")


@lru_cache(_CACHED_HEADERS)
def _kind_and_key(header_part: str) -> tuple[str, str]:
    """Return the kind of token and the `kid` in a header. Raises BadToken, and what `_decode` raises."""
    header = _decode(header_part)
    if set(header) != _HEADER_NAMES or header["alg"] != "ES256":
        raise BadToken("the token is not valid")
    kind = _KIND.get(header["typ"])
    if kind is None or type(header["kid"]) is not str:
        raise BadToken("this kind of token is not accepted here")
    return kind, header["kid"]


def _decode(part: str) -> dict[str, Any]:
    """Return the JSON object of one part of a token. Raises ValueError and others."""
    decoded = json.loads(base64url_decode(part.encode()).decode())
    if not isinstance(decoded, dict):
        raise BadToken("the token is not valid")
    return decoded
