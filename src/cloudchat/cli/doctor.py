"""`cloudchat doctor`: print the settings in force, and check this installation."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudchat.cli.installation import Installation
    from cloudchat.doctor.check_result import CheckResult
    from cloudchat.settings import Settings


def register_doctor_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `doctor` to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="print the settings in force, and check files, machine, database, store and public address",
        description="Print every setting of the running server (else of this environment), then "
        "check this installation: one line per check, with the "
        "fix for each problem. Changes nothing. The exit code is 0 without a problem, else 1.",
    )
    parser.add_argument("--url", metavar="https://…", help="also check this public address and its certificate")
    parser.add_argument("--page", metavar="https://…", help="with --url: the page's address, if it is on another host")
    parser.add_argument("--backups", type=Path, metavar="DIR", help="also check that DIR has a backup of the last day")
    parser.add_argument("--json", action="store_true", help="print only the checks, as a JSON list")
    parser.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Print the settings and the checks. Return the exit code."""
    from cloudchat.cli.environment import load_settings
    from cloudchat.cli.installation import find_installation
    from cloudchat.doctor.run_checks import run_checks

    own = load_settings()
    found = find_installation()
    settings = own if found is None else found.settings
    results = run_checks(settings, public_url=options.url, page=options.page, backups=options.backups)
    results = [*_compare(own, found), *results]
    if options.json:
        print(json.dumps([{"what": result.name, "wrong": result.problem} for result in results], indent=2))
    else:
        print(*settings_in_force(settings, found), "", sep="\n")
        for result in results:
            print(f"ok     {result.name}" if result.problem is None else f"WRONG  {result.name}: {result.problem}")
    return int(any(result.problem is not None for result in results))


def settings_in_force(settings: "Settings", found: "Installation | None" = None) -> list[str]:
    """Return one line per setting: variable, value, and whether it was set. Secrets are not shown."""
    if found is None:
        lines = ["# There is no installation yet. The settings of this environment:"]
    elif found.server_runs:
        lines = [f"# The settings of the running server; its state directory was found {found.how_found}:"]
    else:
        lines = [
            f"# No server runs. The settings of this environment; the state directory was found {found.how_found}:"
        ]
    for name in type(settings).model_fields:
        variable = f"CLOUDCHAT_{name.upper()}"
        origin = "set" if name in settings.model_fields_set else "default"
        lines.append(f"{variable}={_display(getattr(settings, name))}  ({origin})")
    lines.append(
        f"registration is {settings.registration_mode}; allowed origins of pages: {_display(settings.origins)}"
    )
    return lines


def _compare(own: "Settings", found: "Installation | None") -> "list[CheckResult]":
    """Tell what this environment sets differently from the running server, and what it cannot know of it."""
    from cloudchat.doctor.check_result import CheckResult

    if found is None or not found.server_runs:
        return []
    results = [
        CheckResult(f"CLOUDCHAT_{name.upper()}", "the server has it and this command does not: set the same value")
        for name in found.unknown_secrets
    ]
    for name in sorted(own.model_fields_set - {"state_dir"}):
        ours, theirs = _display(getattr(own, name)), _display(getattr(found.settings, name))
        if ours != theirs:
            results.append(
                CheckResult(
                    f"CLOUDCHAT_{name.upper()}: {theirs} in the running server, {ours} here, for its next start"
                )
            )
    return results


def _display(value: object) -> str:
    from pydantic import SecretStr

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
