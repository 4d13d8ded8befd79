"""The signing keys of tokens: EC P-256 keys in one directory, created at the first start, named by their `kid`."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec import Struct

from cloudchat.auth.keys.key_folder import KeyFolderError, key_files, open_key_folder, write_key_file

_COORDINATE_BYTES = 32


class KeyRing(Struct, frozen=True):
    """All keys whose tokens are valid, by `kid`, and the `kid` of the key that signs new tokens."""

    keys: Mapping[str, ec.EllipticCurvePrivateKey]
    signing_kid: str

    def current(self, *, reload: bool = False) -> Self:
        """Return itself: this ring never changes. `key_rotation.LiveKeyRing` follows the directory."""
        return self


def load_or_create(directory: Path) -> KeyRing:
    """Return the key ring of `directory`. Create the first key if there is none.

    The newest file signs. The older keys only verify, so that tokens from before a rotation stay valid. Processes that
    start at the same time get the same ring.

    Raises:
        KeyFolderError: The directory or a key cannot be used.
    """
    with open_key_folder(directory):  # a rotation must not delete a file between its listing and its reading
        keys = [_load(path) for path in key_files(directory) or [create_key(directory)]]
    return KeyRing({thumbprint(key): key for key in keys}, thumbprint(keys[-1]))


def create_key(directory: Path) -> Path:
    """Write a new signing key and return its file. The caller must hold the directory's lock."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = directory / f"{thumbprint(key)}.pem"
    write_key_file(path, pem)
    return path


def thumbprint(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the key's `kid`: its JWK thumbprint with SHA-256 (RFC 7638)."""
    numbers = key.public_key().public_numbers()
    jwk = {"crv": "P-256", "kty": "EC", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}
    digest = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _base64url(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(_COORDINATE_BYTES, "big")).rstrip(b"=").decode()


def _load(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyFolderError(f"cannot read the signing key {path}; restore it or remove it") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFolderError(f"the signing key {path} is not an EC P-256 key; remove it")
    return key
