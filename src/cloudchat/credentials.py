"""Secret settings as files in $CREDENTIALS_DIRECTORY, where systemd's LoadCredential= puts them (systemd.exec(5))."""

from collections.abc import Iterable
from pathlib import Path


class CredentialError(Exception):
    """A credential cannot be read. The message is one line for the operator: the problem, the fix, and no secret."""


def read_credentials(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the contents of the files `cloudchat_<name>` by name, without the final newline.

    Empty and missing files are left out. Raises CredentialError.
    """
    if not folder.is_dir():
        raise CredentialError(
            f"CREDENTIALS_DIRECTORY is {folder}, which is not a directory: "
            "set LoadCredential= in the unit, or unset the variable"
        )
    credentials = {}
    for name in names:
        file = folder / f"cloudchat_{name}"
        try:
            text = file.read_text().strip()
        except FileNotFoundError:
            continue
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise CredentialError(
                f"the credential {file} cannot be read ({reason}): it must be one line of text that this user can read"
            ) from error
        if text:
            credentials[name] = text
    return credentials
