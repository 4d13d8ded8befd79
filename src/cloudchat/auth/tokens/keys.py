"""The keys that sign tokens: one folder of EC P-256 keys, made at the first start, named by their `kid`."""

import base64
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_COORDINATE_BYTES = 32


class KeyFolderError(Exception):
    """The key folder can't be used; the message names the mend."""


@dataclass(frozen=True)
class KeyRing:
    """Every key whose tokens are good, by `kid`, and the one that signs new tokens."""

    keys: Mapping[str, ec.EllipticCurvePrivateKey]
    signing_kid: str

    def current(self, *, look_now: bool = False) -> "KeyRing":
        """Itself: a ring by itself never changes. See key_rotation.LiveKeyRing for one that does."""
        return self


def load_or_create(directory: Path) -> KeyRing:
    """The ring in `directory`, made with one fresh key if there is none. Processes that race get the same ring.

    The newest file signs; the others only verify, so that tokens signed before a rotation stay good.
    Raises KeyFolderError.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        with locked(directory):  # so that no file goes between its listing and its reading
            keys = [_load(path) for path in key_files(directory) or [create_key(directory)]]
    except OSError as error:
        raise KeyFolderError(f"cannot use the key folder {directory}: {error.strerror}; check its owner") from error
    return KeyRing({thumbprint(key): key for key in keys}, thumbprint(keys[-1]))


def thumbprint(key: ec.EllipticCurvePrivateKey) -> str:
    """The key's `kid`: its JWK thumbprint, SHA-256 (RFC 7638)."""
    numbers = key.public_key().public_numbers()
    jwk = {"crv": "P-256", "kty": "EC", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}
    digest = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _base64url(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(_COORDINATE_BYTES, "big")).rstrip(b"=").decode()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the folder against every other process and thread; what was written in it is on disk at the end."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def key_files(directory: Path) -> list[Path]:
    """The signing keys, oldest first; by name among those of one instant, so that every process picks the same one."""
    return sorted(directory.glob("*.pem"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def create_key(directory: Path) -> Path:
    """Write a fresh signing key; the folder must be `locked`."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = directory / f"{thumbprint(key)}.pem"
    write_secret(path, pem)
    return path


def write_secret(path: Path, content: bytes) -> None:
    """A file that only the server's user may read. Whole or not at all: a crash in between leaves no half of a key."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o400)
        os.fsync(file.fileno())
    os.rename(temporary, path)


def _load(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyFolderError(f"cannot read the signing key {path}; restore it or remove it") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFolderError(f"the signing key {path} is not an EC P-256 key; remove it")
    return key
