"""The command `auth`: a new token for an open socket."""

from collections.abc import Awaitable, Callable

from cloudchat.auth.errors import AccountError
from cloudchat.auth.principal import CHAT_READ, Principal
from cloudchat.core.timestamps import rfc3339
from cloudchat.database.transactions import DatabaseUnavailable
from cloudchat.protocol import replies
from cloudchat.protocol.commands import Auth
from cloudchat.protocol.errors import ErrorCode, error, unavailable
from cloudchat.realtime.connection import Connection

Authenticate = Callable[[str], Awaitable[Principal]]
"""Returns the principal of a token. Raises `AccountError`, `DatabaseUnavailable`."""


class TokenRenewal:
    """Replaces the token of a connection. A rejected one changes nothing: the socket keeps its current token."""

    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate

    async def renew(self, connection: Connection, command: Auth) -> None:
        """Verify the new token and take it."""
        try:
            principal = await self._authenticate(command.token)
        except DatabaseUnavailable:
            message = "the token cannot be checked now; the socket keeps its current token"
            connection.send(unavailable(command.id, message))
            return
        except AccountError:
            message = "the token is not valid; the socket keeps its current token"
        else:
            if principal.user_id != connection.principal.user_id:
                message = "the token belongs to another user"
            elif CHAT_READ not in principal.scopes:  # such a token cannot open a socket either
                message = "this token may not read; it needs the scope chat:read"
            else:
                connection.renew_token(principal)
                expires_at = rfc3339(principal.expires_at)
                connection.send(replies.Authenticated(id=command.id, token_expires_at=expires_at))
                return
        connection.send(error(ErrorCode.FORBIDDEN, message, id=command.id, field="token"))
