"""Load the settings from the environment, report mistakes in one line, and pass the settings on to workers."""

import difflib
import os
from pathlib import Path

from pydantic import ValidationError

from cloudchat.cli.errors import CommandError, warn
from cloudchat.credentials import CredentialError
from cloudchat.settings import ENV_PREFIX, RENAMED, Settings


def load_settings(**options: object) -> Settings:
    """Return the settings of the environment, overridden by each option that is not None. Raises CommandError."""
    _check_names()
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except CredentialError as error:
        raise CommandError(str(error)) from error
    except ValidationError as error:
        raise CommandError(
            "; ".join(_describe(mistake["loc"], mistake["msg"]) for mistake in error.errors())
        ) from error


def export(settings: Settings) -> None:
    """Write the settings in force into the environment, from which the application and every worker load them."""
    for name, value in settings.model_dump().items():
        if isinstance(value, tuple):
            value = ",".join(value)
        if isinstance(value, str | int | float | Path):
            os.environ[_variable(name)] = str(value)
    os.environ[_variable("database_url")] = settings.database.get_secret_value()
    if settings.redis_url is not None:
        os.environ[_variable("redis_url")] = settings.redis_url.get_secret_value()


def _variable(setting: str) -> str:
    return ENV_PREFIX + setting.upper()


def _check_names() -> None:
    """Warn about unknown variables. Raises CommandError for the old name of a setting."""
    known = sorted(_variable(name) for name in Settings.model_fields)
    renamed = {_variable(old): _variable(new) for old, new in RENAMED.items()}
    for name in sorted(os.environ):
        variable = name.upper()
        if variable in renamed:
            raise CommandError(
                f"{name} has been renamed to {renamed[variable]}: set the new name, and remove the old one"
            )
        if variable.startswith(ENV_PREFIX) and variable not in known:
            similar = difflib.get_close_matches(variable, known, n=1)
            hint = f"; did you mean {similar[0]}?" if similar else ""
            warn(f"{name} is not a setting of cloudchat and has no effect{hint}")


def _describe(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]) if location else ""
    message = message.removeprefix("Value error, ")
    field = Settings.model_fields.get(name)
    description = f" ({field.description})" if field is not None and field.description else ""
    return f"{_variable(name)}: {message[:1].lower()}{message[1:]}{description}"
