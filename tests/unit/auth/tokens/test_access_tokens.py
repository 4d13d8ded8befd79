"""Only tokens that this server signed are valid; everything else raises BadToken."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose import jwt
from jose.backends.cryptography_backend import CryptographyECKey

from cloudchat.auth.errors import BadToken
from cloudchat.auth.keys.signing_keys import KeyRing, thumbprint
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.auth.tokens.kinds import ACCESS, API

NOW = 1_800_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
KID = thumbprint(KEY)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
TOKENS = Tokens(KeyRing({KID: KEY}, KID), access_seconds=600)

CLAIMS: dict[str, Any] = {
    "iss": "cloudchat",
    "aud": "cloudchat",
    "sub": "user-1",
    "jti": "token-1",
    "sid": "session-1",
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 600,
}
HEADER = {"typ": "at+jwt", "kid": KID}


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: dict[str, Any], header: dict[str, Any] = HEADER, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    return jwt.encode(claims, CryptographyECKey(key, "ES256"), algorithm="ES256", headers=header)


def without(name: str) -> dict[str, Any]:
    return {claim: value for claim, value in CLAIMS.items() if claim != name}


def test_access_token_has_its_user_session_id_and_expiry() -> None:
    claims = TOKENS.verify(TOKENS.issue_access("user-1", "session-1", "token-1", NOW), NOW + 1)
    assert (claims.kind, claims.user_id, claims.session_id, claims.token_id) == (
        ACCESS,
        "user-1",
        "session-1",
        "token-1",
    )
    assert claims.expires_at == NOW + 600


def test_unmodified_hand_made_token_is_valid() -> None:
    assert TOKENS.verify(signed(CLAIMS), NOW).user_id == "user-1"


def test_token_of_another_kind_is_rejected() -> None:
    access = TOKENS.issue_access("user-1", "session-1", "token-1", NOW)
    api = TOKENS.issue_api("user-1", "token-1", NOW, NOW + 3600)
    assert TOKENS.verify(api, NOW, (API,)).kind == API
    assert TOKENS.verify(access, NOW, (ACCESS,)).kind == ACCESS
    for token, kind in ((access, API), (api, ACCESS)):
        with pytest.raises(BadToken):
            TOKENS.verify(token, NOW, (kind,))


def test_token_is_valid_from_issue_to_expiry() -> None:
    token = TOKENS.issue_access("user-1", "session-1", "token-1", NOW)
    assert TOKENS.verify(token, NOW + 599.9)
    for moment in (NOW + 600, NOW - 60):
        with pytest.raises(BadToken):
            TOKENS.verify(token, moment)


def test_token_of_an_older_key_is_valid() -> None:
    old = signed(CLAIMS, {"typ": "at+jwt", "kid": thumbprint(OTHER_KEY)}, OTHER_KEY)
    ring = KeyRing({KID: KEY, thumbprint(OTHER_KEY): OTHER_KEY}, KID)
    assert Tokens(ring, access_seconds=600).verify(old, NOW).user_id == "user-1"


GOOD = signed(CLAIMS)
HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")
PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
HOSTILE: dict[str, object] = {
    "empty": "",
    "no token": None,
    "bytes": GOOD.encode(),
    "a list": [GOOD],
    "no dots": "a" * 200,
    "not ASCII": GOOD[:-1] + "é",
    "lone surrogate": "\ud800" + GOOD,
    "NUL": GOOD + "\0",
    "newline at the end": GOOD + "\n",
    "junk after the signature": GOOD + ".x",
    "padding": GOOD + "==",
    "megabytes": GOOD + "a" * 5_000_000,
    "no signature": f"{HEAD}.{PAYLOAD}.",
    "zero signature": f"{HEAD}.{PAYLOAD}.{'A' * 86}",
    "alg none": f"{encoded({**HEADER, 'alg': 'none'})}.{PAYLOAD}.{SIGNATURE}",
    "alg none, unsigned": f"{encoded({**HEADER, 'alg': 'none'})}.{PAYLOAD}.",
    "alg HS256 by the public key": f"{encoded({**HEADER, 'alg': 'HS256'})}.{PAYLOAD}.{SIGNATURE}",
    "alg a list": f"{encoded({**HEADER, 'alg': ['ES256']})}.{PAYLOAD}.{SIGNATURE}",
    "header no object": f"{encoded(['ES256', 'at+jwt', KID])}.{PAYLOAD}.{SIGNATURE}",
    "header of deep lists": f"{encoded(b'[' * 200)}.{PAYLOAD}.{SIGNATURE}",
    "payload of deep lists": f"{HEAD}.{encoded(b'[' * 2000)}.{SIGNATURE}",
    "payload not UTF-8": f"{HEAD}.{encoded(b'xx' + bytes(range(128, 160)))}.{SIGNATURE}",
    "signed by another key": signed(CLAIMS, key=OTHER_KEY),
    "kid of another key": signed(CLAIMS, {"typ": "at+jwt", "kid": thumbprint(OTHER_KEY)}, OTHER_KEY),
    "kid a path": signed(CLAIMS, {"typ": "at+jwt", "kid": "../../dev/null"}),
    "kid a list": signed(CLAIMS, {"typ": "at+jwt", "kid": [KID]}),
    "no kid": signed(CLAIMS, {"typ": "at+jwt"}),
    "typ JWT": signed(CLAIMS, {"typ": "JWT", "kid": KID}),
    "typ a list": signed(CLAIMS, {"typ": ["at+jwt"], "kid": KID}),
    "crit": signed(CLAIMS, {**HEADER, "crit": ["exp"]}),
    "jwk in the header": signed(CLAIMS, {**HEADER, "jwk": {"kty": "EC"}}),
    "jku": signed(CLAIMS, {**HEADER, "jku": "https://attacker.example/keys"}),
    **{f"no {name}": signed(without(name)) for name in CLAIMS},
    "another issuer": signed({**CLAIMS, "iss": "attacker"}),
    "another audience": signed({**CLAIMS, "aud": "bank"}),
    "several audiences": signed({**CLAIMS, "aud": ["cloudchat", "bank"]}),
    "one more claim": signed({**CLAIMS, "admin": True}),
    "never ends": signed({**CLAIMS, "exp": NOW + 10**9}),
    "ends before it begins": signed({**CLAIMS, "exp": NOW - 1}),
    "exp a string": signed({**CLAIMS, "exp": str(NOW + 600)}),
    "exp a float": signed({**CLAIMS, "exp": NOW + 600.5}),
    "exp infinite": signed({**CLAIMS, "exp": float("inf")}),
    "exp true": signed({**CLAIMS, "exp": True}),
    "not yet": signed({**CLAIMS, "nbf": NOW + 300}),
    "issued in the future": signed({**CLAIMS, "iat": NOW + 300}),
    "sub a number": signed({**CLAIMS, "sub": 1}),
    "sub with a newline": signed({**CLAIMS, "sub": "user\n1"}),
    "sid a list": signed({**CLAIMS, "sid": ["session-1"]}),
    "an API token with a session": signed(CLAIMS, {"typ": "api+jwt", "kid": KID}),
    "an access token without one": signed(without("sid")),
}


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_token_raises_bad_token(token: Any) -> None:
    with pytest.raises(BadToken):
        TOKENS.verify(token, NOW)
