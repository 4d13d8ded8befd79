"""Between environment and settings: one line for a mistake, a hint for a misspelling, and the way to the workers."""

import difflib
import os
import sys
from pathlib import Path

from pydantic import ValidationError

from cloudchat.cli.errors import CommandError
from cloudchat.credentials import CredentialError
from cloudchat.settings import Settings

_PREFIX = "CLOUDCHAT_"
_KNOWN = {_PREFIX + name.upper() for name in Settings.model_fields}


def load_settings(**options: object) -> Settings:
    """Return the settings of the environment, overridden by each option that is not None. Raises CommandError."""
    for name in sorted(os.environ):
        if name.upper().startswith(_PREFIX) and name.upper() not in _KNOWN:
            warn(f"{name} is no setting of cloudchat and changes nothing{_did_you_mean(name)}")
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})  # type: ignore[arg-type]
    except CredentialError as error:
        raise CommandError(str(error)) from error
    except ValidationError as error:
        raise CommandError(
            "; ".join(_one_mistake(mistake["loc"], mistake["msg"]) for mistake in error.errors())
        ) from error


def export(settings: Settings) -> None:
    """Put what is in force now into the environment, where the application, and every worker, loads it from."""
    for name, value in settings.model_dump().items():
        if isinstance(value, tuple):
            value = ",".join(value)
        if isinstance(value, str | int | float | Path):
            os.environ[_PREFIX + name.upper()] = str(value)
    os.environ[f"{_PREFIX}DATABASE_URL"] = settings.database.get_secret_value()
    if settings.redis_url is not None:
        os.environ[f"{_PREFIX}REDIS_URL"] = settings.redis_url.get_secret_value()


def warn(text: str) -> None:
    """One line for the operator that stops nothing."""
    print(f"cloudchat: warning: {text}", file=sys.stderr, flush=True)


def _did_you_mean(name: str) -> str:
    nearest = difflib.get_close_matches(name.upper(), sorted(_KNOWN), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def _one_mistake(place: tuple[int | str, ...], message: str) -> str:
    name = str(place[0]) if place else ""
    field = Settings.model_fields.get(name)
    meaning = f" ({field.description})" if field is not None and field.description else ""
    return f"{_PREFIX}{name.upper()}: {message[:1].lower()}{message[1:]}{meaning}"
