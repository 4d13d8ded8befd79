"""Encryption of secrets that the database stores and the server must read again: the secrets of second factors.

The key is in the state directory and not in the database, so a stolen database dump reveals no second factor (ASVS
13.3, 14.2). Passwords and tokens are not encrypted here: the database has only their hashes.
"""

import base64
import binascii
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloudchat.auth.keys.key_folder import KeyFolderError, open_key_folder, write_key_file

_FILE = "vault.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class DecryptionError(Exception):
    """The ciphertext was made with another key or for another purpose, or it was altered."""


class Vault:
    """AES-256-GCM with one key for the whole installation."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._key = key

    def encrypt(self, plaintext: str, *, purpose: str) -> str:
        """Return the ciphertext as base64.

        `purpose` is authenticated with it and names the owner: a row copied to another user cannot be decrypted.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, plaintext.encode(), purpose.encode())).decode()

    def decrypt(self, ciphertext: str, *, purpose: str) -> str:
        """Return the plaintext. Raises DecryptionError."""
        try:
            raw = base64.b64decode(ciphertext, validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise DecryptionError(
                "a second factor cannot be decrypted: keys/vault.key is not the key that encrypted it"
            ) from error

    def pseudonym(self, name: str) -> str:
        """Return a keyed hash of `name`, 128 bits in hexadecimal, for stores that must not have the name itself."""
        return hashlib.blake2b(name.encode(errors="replace"), key=self._key, digest_size=16).hexdigest()


def open_vault(directory: Path) -> Vault:
    """Return the vault whose key is in the key directory. Creates the key if it is missing. Raises KeyFolderError."""
    path = directory / _FILE
    with open_key_folder(directory):
        if not path.exists():
            write_key_file(path, os.urandom(_KEY_BYTES))
        key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise KeyFolderError(f"the key {path} is damaged; restore it from a backup")
    return Vault(key)
