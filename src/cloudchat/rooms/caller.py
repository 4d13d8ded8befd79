"""The user in whose name a room is changed."""

from msgspec import Struct

from cloudchat.auth.principal import Principal
from cloudchat.rooms.permissions import OPERATOR, server_role_of


class Caller(Struct, frozen=True):
    """A signed-in user, or the command line.

    Attributes:
        server_role: With which the caller acts in rooms (`permissions.server_role_of`).
        address: The client's address, for the audit log.
    """

    user_id: str
    name: str
    server_role: str
    address: str = ""

    @classmethod
    def from_principal(cls, principal: Principal, address: str) -> "Caller":
        """Return the caller for an authenticated user whose request came from `address`."""
        return cls(principal.user_id, principal.name, server_role_of(principal), address)


COMMAND_LINE = Caller("cli", "cloudchat", OPERATOR)
"""A person with a shell as the server's user. Notices show the name `cloudchat`, which no user can register."""
