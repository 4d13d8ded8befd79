"""What SQL keeps and must be read again: encrypted with a key that is in the state folder and not in the database.

A stolen dump of the database thus holds no second factor of anybody (ASVS 13.3, 14.2). Passwords and tokens are no
matter of this module: of them only hashes are kept.
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloudchat.auth.tokens.keys import KeyFolderError, locked, write_secret

_FILE = "vault.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class VaultError(Exception):
    """The ciphertext was made with another key, for another purpose, or was altered."""


class Vault:
    """AES-256-GCM with one key for the whole installation."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._key = key

    def lock(self, secret: str, *, purpose: str) -> str:
        """Encrypt; only the same `purpose` (whose secret it is) opens it, so a row can't be copied to another user."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), purpose.encode())).decode()

    def unlock(self, text: str, *, purpose: str) -> str:
        """Decrypt. Raises VaultError."""
        try:
            raw = base64.b64decode(text, validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise VaultError(
                "a second factor can't be read: keys/vault.key is not the one it was set up with"
            ) from error

    def pseudonym(self, name: str) -> str:
        """A name that only this installation can connect with `name`: 128 bits, for counters and their keys."""
        return hashlib.blake2b(name.encode(errors="replace"), key=self._key, digest_size=16).hexdigest()


def open_vault(directory: Path) -> Vault:
    """The vault whose key is in the key folder, made if there is none. Raises KeyFolderError."""
    path = directory / _FILE
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(directory):
            if not path.exists():
                write_secret(path, os.urandom(_KEY_BYTES))
            key = path.read_bytes()
    except OSError as error:
        raise KeyFolderError(f"cannot use the key folder {directory}: {error.strerror}; check its owner") from error
    if len(key) != _KEY_BYTES:
        raise KeyFolderError(f"the key {path} is broken; restore it from a backup")
    return Vault(key)
