"""`cloudchat doctor`: the settings in force, and what is wrong with this installation."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from cloudchat.cli.environment import load_settings

if TYPE_CHECKING:
    from cloudchat.settings import Settings


def register_doctor_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="show the settings and limits in force, and check files, database and store",
        description="Shows every setting with its value, then checks this installation, one line each with the mend. "
        "Changes nothing. The exit code is 0 when nothing is wrong, else 1.",
    )
    parser.set_defaults(run=examine_installation)


def examine_installation(_options: argparse.Namespace) -> int:
    """Print both parts; returns the exit code."""
    from cloudchat.operations.checkup import examine

    settings = load_settings()
    for line in settings_in_force(settings):
        print(line)
    print()
    findings = examine(settings)
    for finding in findings:
        print(f"ok     {finding.what}" if finding.wrong is None else f"WRONG  {finding.what}: {finding.wrong}")
    return int(any(finding.wrong is not None for finding in findings))


def settings_in_force(settings: "Settings") -> list[str]:
    """A line for each setting: variable, value, and whether it was set. A secret is never shown."""
    lines = []
    for name in type(settings).model_fields:
        variable = f"CLOUDCHAT_{name.upper()}"
        lines.append(
            f"{variable}={_shown(getattr(settings, name))}  ({'set' if variable in os.environ else 'default'})"
        )
    lines.append(f"registration is {settings.registration_mode}; pages may come from: {_shown(settings.origins)}")
    return lines


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return "(secret)"
        case Path():
            return str(value.absolute())
        case tuple() | frozenset():
            return ",".join(sorted(str(item) for item in value))
        case _:
            return str(value)
