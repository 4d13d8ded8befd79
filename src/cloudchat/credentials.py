"""Secret settings as files of one folder, $CREDENTIALS_DIRECTORY: systemd's LoadCredential= (systemd.exec(5))."""

from collections.abc import Iterable
from pathlib import Path


class CredentialError(Exception):
    """A credential can't be read. The message is one line for the operator, names the mend, and holds no secret."""


def read_credentials(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """What the files `cloudchat_<name>` say, without the newline at their end; an empty or absent one says nothing.

    Raises CredentialError.
    """
    if not folder.is_dir():
        raise CredentialError(
            f"CREDENTIALS_DIRECTORY names {folder}, which is no folder: "
            "set LoadCredential= in the unit, or unset the variable"
        )
    found = {}
    for name in names:
        file = folder / f"cloudchat_{name}"
        try:
            text = file.read_text().strip()
        except FileNotFoundError:
            continue
        except (OSError, UnicodeError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "it is no text"
            raise CredentialError(
                f"the credential {file} can't be read ({why}): let this user read it, one line of text"
            ) from problem
        if text:
            found[name] = text
    return found
