"""Signed-in users of a running server, with a role of the server each."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from support.accounts import PASSWORD, Account, login, register
from support.commands import done, run_here
from support.server import RunningServer

RATES = {f"CLOUDCHAT_{name}_RATE": "99999/minute" for name in ("LOGIN", "REGISTER", "REFRESH", "ACCOUNT", "ADMIN")}


@contextmanager
def signed_in(server: RunningServer, *names: str) -> Iterator[list[Account]]:
    """Register users with these names and sign them in. `name:role` sets a role of the server first."""
    with ExitStack() as opened:
        accounts = []
        for name, _, role in (name.partition(":") for name in names):
            account = register(server.url, name)
            if role:
                account.http.close()
                done(run_here(server.state_dir, "admin", "set-role", name, role))
                account = login(server.url, name, PASSWORD)
            opened.enter_context(closing(account.http))
            accounts.append(account)
        yield accounts


def room_of(account: Account, kind: str, name: str | None = None, *users: Account) -> str:
    """Create a room and return its id."""
    body = {"kind": kind, "users": [user.user_id for user in users], **({"name": name} if name else {})}
    response = account.http.post("/api/rooms", json=body)
    response.raise_for_status()
    room: str = response.json()["id"]
    return room
