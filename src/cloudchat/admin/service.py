"""Everything that administrators do, for the HTTP routes and the command line alike."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cloudchat.admin.audit.repository import EVERYTHING, AuditFilter, AuditSummary, audit_entries_before
from cloudchat.admin.invite_service import InviteService
from cloudchat.admin.token_service import SignApiToken, TokenService
from cloudchat.admin.user_service import UserService
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.repository import user_by_name
from cloudchat.database.audit import BY_COMMAND_LINE, BY_SERVER
from cloudchat.database.transactions import Database

if TYPE_CHECKING:
    from cloudchat.admin.personal_data.service import PersonalDataService
    from cloudchat.rooms.service import RoomService


class AdminService:
    """The services for users, personal data, API tokens, invites and rooms, on one database.

    Blocking: call them in threads.

    Each change takes the `actor`. The change and its audit entry are one transaction.
    """

    def __init__(self, db: Database, sign_api_token: SignApiToken, hasher: PasswordHasher) -> None:
        self._db = db
        self.users = UserService(db, hasher)
        self.tokens = TokenService(db, sign_api_token)
        self.invites = InviteService(db)

    # Loaded when they are used: together they take 30 ms, and most commands need neither.

    @cached_property
    def personal_data(self) -> "PersonalDataService":
        """The service for erasures and exports."""
        from cloudchat.admin.personal_data.service import PersonalDataService

        return PersonalDataService(self._db)

    @cached_property
    def rooms(self) -> "RoomService":
        """The rooms, for the command line. The servers notice its changes by themselves."""
        from cloudchat.rooms.service import RoomService

        return RoomService(self._db)

    def audit_log(
        self, before: str | None, limit: int, *, user: str = "", only: AuditFilter = EVERYTHING
    ) -> Sequence[AuditSummary]:
        """Return a page of audit entries, newest first, that begins after the entry `before`. Raises NotFound.

        `user` is the name of the actor or the target, or `cli` or `server`.
        """
        with self._db.read() as db:
            if user and user not in (BY_COMMAND_LINE, BY_SERVER):
                found = user_by_name(db, user)
                if found is None:
                    return []
                user = found.id
            return audit_entries_before(db, before, limit, replace(only, party=user))
