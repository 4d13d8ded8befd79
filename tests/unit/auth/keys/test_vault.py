"""The vault encrypts with one key per installation, and only for the stated purpose."""

from pathlib import Path

import pytest

from cloudchat.auth.keys.key_folder import KeyFolderError
from cloudchat.auth.keys.vault import DecryptionError, open_vault


def test_decryption_needs_the_same_key_and_purpose(tmp_path: Path) -> None:
    vault = open_vault(tmp_path / "keys")
    ciphertext = vault.encrypt("secret", purpose="ann")
    assert open_vault(tmp_path / "keys").decrypt(ciphertext, purpose="ann") == "secret"
    for other, purpose, text in (
        (vault, "bob", ciphertext),
        (open_vault(tmp_path / "other"), "ann", ciphertext),
        (vault, "ann", ciphertext[:-8] + "AAAAAAA="),
        (vault, "ann", "é"),
        (vault, "ann", ""),
    ):
        with pytest.raises(DecryptionError):
            other.decrypt(text, purpose=purpose)


def test_pseudonym_depends_on_the_name_and_the_key(tmp_path: Path) -> None:
    vault, other = open_vault(tmp_path / "keys"), open_vault(tmp_path / "other")
    assert vault.pseudonym("ann") == open_vault(tmp_path / "keys").pseudonym("ann")
    assert len({vault.pseudonym("ann"), vault.pseudonym("bob"), other.pseudonym("ann")}) == 3


def test_key_of_the_wrong_size_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "vault.key").write_bytes(b"short")
    with pytest.raises(KeyFolderError, match=r"vault\.key"):
        open_vault(tmp_path)
