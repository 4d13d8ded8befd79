"""What an administrator may do; over HTTP and from the command line alike."""

from collections.abc import Sequence

from cloudchat.admin.audit_repository import AuditSummary, entries_before
from cloudchat.admin.invite_service import InviteService
from cloudchat.admin.token_service import TokenService
from cloudchat.admin.user_service import UserService
from cloudchat.auth.passwords.hashing import Passwords
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.database.transactions import Database


class AdminService:
    """The parts, on one database. Every change takes the `actor`, for the audit log. Blocking: for threads."""

    def __init__(self, db: Database, tokens: Tokens, passwords: Passwords) -> None:
        self._db = db
        self.users = UserService(db, passwords)
        self.tokens = TokenService(db, tokens)
        self.invites = InviteService(db)

    def audit_log(self, before: str | None, limit: int) -> Sequence[AuditSummary]:
        """Entries, the newest first, from behind the entry `before`. Raises NotFound."""
        with self._db.read() as db:
            return entries_before(db, before, limit)
