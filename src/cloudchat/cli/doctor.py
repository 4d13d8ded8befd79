"""`cloudchat doctor`: the settings in force, and what is wrong with this installation."""

import argparse
import json
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
        help="show the settings and limits in force, and check files, machine, database, store and edge",
        description="Shows every setting with its value, then checks this installation, one line each with the mend. "
        "Changes nothing. The exit code is 0 when nothing is wrong, else 1.",
    )
    parser.add_argument(
        "--url", metavar="https://…", help="the public address: also ask there, and look at its certificate"
    )
    parser.add_argument("--backups", type=Path, metavar="DIR", help="also see that DIR has a backup of the last day")
    parser.add_argument("--json", action="store_true", help="print the checks alone, as a JSON list")
    parser.set_defaults(run=examine_installation)


def examine_installation(options: argparse.Namespace) -> int:
    """Print both parts; returns the exit code."""
    from cloudchat.doctor.run_checks import run_checks

    settings = load_settings()
    results = run_checks(settings, public_url=options.url, backups=options.backups)
    if options.json:
        print(json.dumps([{"what": result.name, "wrong": result.problem} for result in results], indent=2))
    else:
        print(*settings_in_force(settings), "", sep="\n")
        for result in results:
            print(f"ok     {result.name}" if result.problem is None else f"WRONG  {result.name}: {result.problem}")
    return int(any(result.problem is not None for result in results))


def settings_in_force(settings: "Settings") -> list[str]:
    """A line for each setting: variable, value, and whether it was set. A secret is never shown."""
    lines = []
    for name in type(settings).model_fields:
        variable = f"CLOUDCHAT_{name.upper()}"
        origin = "set" if name in settings.model_fields_set else "default"
        lines.append(f"{variable}={_shown(getattr(settings, name))}  ({origin})")
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
