"""`cloudchat chat`: chat in the terminal."""

import argparse
import getpass
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError, note, warn

if TYPE_CHECKING:
    from cloudchat.client import TokenProvider
    from cloudchat.terminal.http_requests import Address
    from cloudchat.terminal.sign_in import LoginSession

TOKEN_VARIABLE = "CHAT_TOKEN"  # noqa: S105 (a name)


def register_chat_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `chat` to the parser."""
    parser = commands.add_parser(
        "chat",
        help="chat in the terminal",
        description="Chat in the terminal. In a pipe, send each line of standard input, and print the messages of all "
        f"rooms until the input ends. The API token in the environment variable {TOKEN_VARIABLE} is used if it is set; "
        "else the password is asked for. Type /help in the chat for its commands.",
    )
    parser.add_argument("url", metavar="URL", help="the address of the server, such as https://chat.example.com")
    parser.add_argument("--name", metavar="NAME", help="sign in as this user; asked for by default")
    parser.add_argument("--room", metavar="ROOM", help="the room to begin with (default: lobby)")
    parser.set_defaults(run=run_chat)


def run_chat(options: argparse.Namespace) -> int:
    """Sign in and chat. Return the exit code."""
    import asyncio

    from cloudchat.client import ClientError
    from cloudchat.terminal.http_requests import Address, AddressError

    try:
        address = Address(options.url)
    except AddressError as error:
        raise CommandError(str(error)) from None
    if not address.is_encrypted and not address.is_local:
        warn("the connection is not encrypted: others in the network can read the password and the messages")
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    session = None if token else _sign_in(address, options.name)
    try:
        return asyncio.run(_chat(address, session.provide_token if session else token, options.room))
    except ClientError as error:
        raise CommandError(f"the chat has ended: {error}") from error
    finally:
        if session is not None:
            session.close()


async def _chat(address: "Address", token: "str | TokenProvider", room: str | None) -> int:
    import logging

    from cloudchat.client import ChatClient
    from cloudchat.terminal.room_directory import RoomDirectory
    from cloudchat.terminal.session import TerminalSession

    async with ChatClient(address.websocket, token) as client:
        session = TerminalSession(client, RoomDirectory(address, token), room)
        if sys.stdin.isatty() and sys.stdout.isatty():
            if importlib.util.find_spec("prompt_toolkit") is not None:
                from cloudchat.terminal.screen import Screen

                # The screen shows the state of the connection; a log on it would be drawn over the messages.
                logging.getLogger("cloudchat.client").addHandler(logging.NullHandler())
                return await Screen(session).run()
            note("the chat on the whole screen needs prompt_toolkit: pip install '.[terminal]' in cloudchat's checkout")
        from cloudchat.terminal.lines import Lines

        return await Lines(session).run()


def _sign_in(address: "Address", name: str | None) -> "LoginSession":
    from cloudchat.client import network_problem
    from cloudchat.terminal.http_requests import RequestFailed
    from cloudchat.terminal.sign_in import LoginSession

    try:
        with open("/dev/tty", "rb"):
            pass
    except OSError:
        raise CommandError(
            f"there is no terminal to ask for the password: put an API token into the environment as {TOKEN_VARIABLE}"
        ) from None
    try:
        if name is None:
            if not sys.stdin.isatty():
                raise CommandError("give --name, because standard input is not a terminal")
            name = input("Username: ").strip()
        password = getpass.getpass("Password: ")
        return LoginSession.open(
            address, name, password, lambda: getpass.getpass("Code of the second factor: ").strip()
        )
    except EOFError:
        raise CommandError("the sign-in was cancelled") from None
    except RequestFailed as error:
        raise CommandError(f"the sign-in failed: {error}") from None
    except OSError as error:
        problem = network_problem(error)
        raise CommandError(
            f"{address.http} cannot be reached ({problem}). Check the address and the network."
        ) from None
