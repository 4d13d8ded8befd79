"""Signed tokens: JWTs by ES256, checked strictly. The only module that imports `jose`.

python-jose by itself ignores `kid`, `typ` and `crit`, accepts a token without `exp` or `aud`, and lets exceptions
escape that are no JWTError before any signature was checked. So: shape first, an exact header, one algorithm, one
key chosen by `kid`, an exact set of claims, and one exception for everything (RFC 8725, ASVS 9.1 and 9.2).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from jose import backends, jwt
from jose.backends.cryptography_backend import CryptographyECKey

from cloudchat.auth.errors import BadToken
from cloudchat.auth.tokens.key_rotation import LiveKeyRing
from cloudchat.auth.tokens.keys import KeyRing

if backends.ECKey is not CryptographyECKey:  # pragma: no cover - a broken installation
    raise ImportError("python-jose would use its pure Python signatures; install python-jose[cryptography]")

ACCESS = "access"
API = "api"
API_TOKEN_MOST_SECONDS = 366 * 86400

_TYP = {ACCESS: "at+jwt", API: "api+jwt"}  # RFC 9068 §2.1 for the first
_KIND = {typ: kind for kind, typ in _TYP.items()}
_NAME = "cloudchat"  # issuer and audience: the server issues for itself
_LEEWAY_SECONDS = 5
_SHAPE = re.compile(r"[A-Za-z0-9_-]{16,300}\.[A-Za-z0-9_-]{16,3000}\.[A-Za-z0-9_-]{86}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_HEADER = {"alg", "typ", "kid"}
_COMMON = {"iss", "aud", "sub", "jti", "iat", "nbf", "exp"}
_CLAIMS = {ACCESS: _COMMON | {"sid"}, API: _COMMON}
# That all claims are there, and the time, is checked here, against the caller's `now`: jose would ask the clock itself,
# and does whenever it is told to require one of these three.
_OPTIONS = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require_aud": True, "require_iss": True}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says. `session_id` is empty in an API token; times are seconds since 1970."""

    kind: str
    user_id: str
    token_id: str
    session_id: str
    issued_at: int
    expires_at: int
    key_id: str


class _Prepared:
    """A ring as jose wants it, made once instead of at each token."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.signing_kid = ring.signing_kid
        self.signing_key = CryptographyECKey(ring.keys[ring.signing_kid], "ES256")
        self.verifying_keys = {kid: CryptographyECKey(key.public_key(), "ES256") for kid, key in ring.keys.items()}


class Tokens:
    """Issues and verifies access tokens (a person's, minutes) and API tokens (a bot's, days)."""

    def __init__(self, keys: KeyRing | LiveKeyRing, *, access_seconds: int) -> None:
        self._keys = keys
        self._prepared = _Prepared(keys.current())
        self._access_seconds = access_seconds
        self._most_seconds = {ACCESS: access_seconds, API: API_TOKEN_MOST_SECONDS}

    def issue_access(self, user_id: str, session_id: str, token_id: str, now: float) -> str:
        """A token for one login session, good for `access_seconds`."""
        return self._sign(ACCESS, user_id, token_id, int(now), int(now) + self._access_seconds, {"sid": session_id})

    def issue_api(self, user_id: str, token_id: str, now: float, expires_at: int) -> str:
        """A token that stands on the row `token_id` of `api_tokens`."""
        return self._sign(API, user_id, token_id, int(now), expires_at, {})

    def verify(self, token: str, now: float, kinds: Collection[str] = (ACCESS, API)) -> Claims:
        """What `token` says, if this server signed it, it is one of `kinds`, and `now` is within its life.

        Says nothing about revocation. Raises BadToken, and nothing else whatever `token` is.
        """
        try:
            return self._verify(token, now, kinds)
        except BadToken:
            raise
        except Exception as error:  # jose also lets TypeError, OverflowError, RecursionError … through
            raise BadToken("the token is not valid") from error

    def _sign(
        self, kind: str, user_id: str, token_id: str, issued_at: int, expires_at: int, more: dict[str, str]
    ) -> str:
        claims: dict[str, Any] = {
            "iss": _NAME,
            "aud": _NAME,
            "sub": user_id,
            "jti": token_id,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
            **more,
        }
        keys = self._current()
        headers = {"typ": _TYP[kind], "kid": keys.signing_kid}
        return str(jwt.encode(claims, keys.signing_key, algorithm="ES256", headers=headers))

    def _current(self, *, look_now: bool = False) -> "_Prepared":
        ring = self._keys.current(look_now=look_now)
        if ring is not self._prepared.ring:
            self._prepared = _Prepared(ring)
        return self._prepared

    def _verify(self, token: str, now: float, kinds: Collection[str]) -> Claims:
        if not isinstance(token, str) or not _SHAPE.fullmatch(token):
            raise BadToken("the token is not valid")
        header = jwt.get_unverified_header(token)
        if set(header) != _HEADER or header["alg"] != "ES256":
            raise BadToken("the token is not valid")
        kind = _KIND.get(header["typ"])
        if kind is None or kind not in kinds:
            raise BadToken("this kind of token is not accepted here")
        keys = self._current().verifying_keys
        if header["kid"] not in keys:  # perhaps of a rotation a moment ago, by another process
            keys = self._current(look_now=True).verifying_keys
        key = keys[header["kid"]]
        claims = jwt.decode(token, key, algorithms=["ES256"], audience=_NAME, issuer=_NAME, options=_OPTIONS)
        self._check(kind, claims, now)
        return Claims(
            kind=kind,
            user_id=claims["sub"],
            token_id=claims["jti"],
            session_id=claims.get("sid", ""),
            issued_at=claims["iat"],
            expires_at=claims["exp"],
            key_id=header["kid"],
        )

    def _check(self, kind: str, claims: dict[str, Any], now: float) -> None:
        if set(claims) != _CLAIMS[kind] or type(claims["aud"]) is not str:
            raise BadToken("the token is not valid")
        ids = [claims[name] for name in ("sub", "jti", "sid") if name in claims]
        if any(type(value) is not str or not _ID.fullmatch(value) for value in ids):
            raise BadToken("the token is not valid")
        issued_at, not_before, expires_at = claims["iat"], claims["nbf"], claims["exp"]
        if any(type(value) is not int for value in (issued_at, not_before, expires_at)):
            raise BadToken("the token is not valid")
        if not 0 < expires_at - issued_at <= self._most_seconds[kind]:
            raise BadToken("the token is not valid")
        if max(issued_at, not_before) > now + _LEEWAY_SECONDS:
            raise BadToken("the token is not valid yet; check the clocks")
        # No leeway at the end: a token's life is the server's own to measure, and sockets close at it.
        if now >= expires_at:
            raise BadToken("the token has expired")
