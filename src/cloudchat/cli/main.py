"""The command `cloudchat`."""

import argparse
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import cloudchat
from cloudchat.cli.admin.commands import register_admin_commands
from cloudchat.cli.chat import register_chat_command
from cloudchat.cli.doctor import register_doctor_command
from cloudchat.cli.errors import CommandError
from cloudchat.cli.frontend import register_frontend_command
from cloudchat.cli.init import register_init_command
from cloudchat.cli.serving.serve import register_serve_command

_BROKEN_PIPE = 128 + signal.SIGPIPE
_INTERRUPTED = 128 + signal.SIGINT
"""The exit codes that a shell reports for a program that the signal ended."""

_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_EPILOG = """\
Start with `cloudchat serve`: it needs no settings and prints the address to open. The first start also prints
a one-time password for the first administrator. See `cloudchat COMMAND --help` for each command.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return the exit code: 0 for success, 1 for an error (one line on stderr), 2 for wrong usage."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would look for some in all packages: 11 ms
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout is not None:  # it is None if the descriptor was closed (`>&-`)
                sys.stdout.flush()  # here, because an error at the interpreter's exit would print a traceback
    except BrokenPipeError:  # the reader has ended, as `| head -1` does
        _discard_output()
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS or error.filename is not None:
            raise
        _discard_output()
        print(f"cloudchat: the output cannot be written ({error.strerror})", file=sys.stderr)
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except CommandError as error:
        print(f"cloudchat: {error}", file=sys.stderr)
        return 1
    return code


def _discard_output() -> None:
    """Send what is still buffered to /dev/null, or the interpreter would try to write it again at its exit."""
    with contextlib.suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)


class _PrintVersion(argparse.Action):
    """Unlike argparse's own action, it reads the version only when the option is given."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(f"cloudchat {cloudchat.__version__}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="cloudchat",
        description="A chat server that never loses a message that it has acknowledged.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    register_serve_command(commands)
    register_init_command(commands)
    register_admin_commands(commands)
    register_doctor_command(commands)
    register_chat_command(commands)
    register_frontend_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
