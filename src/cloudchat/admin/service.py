"""What an administrator may do to others' accounts; used by the command line."""

from collections.abc import Collection, Sequence

from cloudchat.admin import repository
from cloudchat.admin.repository import TokenSummary
from cloudchat.auth.errors import AccountDisabled, InvalidField, NoSuchThing
from cloudchat.auth.passwords import Passwords
from cloudchat.auth.principal import SCOPES_OF_ROLE
from cloudchat.auth.random_tokens import new_secret
from cloudchat.auth.repository import add_invite, add_user, user_by_name
from cloudchat.auth.session_repository import end_sessions_of
from cloudchat.auth.tokens import API_TOKEN_MOST_SECONDS, Tokens
from cloudchat.auth.usernames import clean_username
from cloudchat.database.audit import record
from cloudchat.database.transactions import Database

TOKEN_LEAST_SECONDS = 1
LABEL_CHARACTERS = 100


class AdminService:
    """Every method takes `actor`, for the audit log: a user's id, or audit.BY_CLI. Blocking: for threads."""

    def __init__(self, db: Database, tokens: Tokens, passwords: Passwords) -> None:
        self._db = db
        self._tokens = tokens
        self._passwords = passwords

    def create_user(self, name: str, password: str, role: str, *, actor: str, now: float) -> str:
        """A new user; returns the id. Raises InvalidField, NameTaken."""
        if role not in SCOPES_OF_ROLE:
            raise InvalidField("role", f"a role is one of {', '.join(SCOPES_OF_ROLE)}")
        name = clean_username(name)
        password_hash = self._passwords.hash_new(password, username=name)
        with self._db.write() as db:
            user = add_user(db, name=name, password_hash=password_hash, role=role, now=now)
            record(db, now, actor, "user.create", target=user.id, detail=f"role={role}")
            return user.id

    def issue_token(
        self, name: str, scopes: Collection[str], seconds: int, *, label: str, actor: str, now: float
    ) -> str:
        """An API token for a user, good for `seconds`; shown now and never again.

        Raises NoSuchThing, AccountDisabled, InvalidField: a scope beyond the user's role, a life beyond the bounds.
        """
        if not TOKEN_LEAST_SECONDS <= seconds <= API_TOKEN_MOST_SECONDS:
            days = API_TOKEN_MOST_SECONDS // 86400
            raise InvalidField("ttl", f"a token lives from {TOKEN_LEAST_SECONDS} second to {days} days")
        if len(label) > LABEL_CHARACTERS or not label.isprintable():
            raise InvalidField("label", f"a label has at most {LABEL_CHARACTERS} printable characters")
        expires_at = int(now) + seconds
        with self._db.write() as db:
            user = user_by_name(db, name)
            if user is None:
                raise NoSuchThing(f"there is no user {name!a}; create one: cloudchat admin create-user")
            if user.disabled_at is not None:
                raise AccountDisabled(f"{user.name} is disabled; first: cloudchat admin enable-user {user.name}")
            beyond = set(scopes) - SCOPES_OF_ROLE[user.role]
            if beyond or not scopes:
                may = ",".join(sorted(SCOPES_OF_ROLE[user.role]))
                raise InvalidField("scope", f"{user.name} is {user.role}, whose tokens may hold {may}")
            granted = " ".join(sorted(set(scopes)))
            row = repository.add_api_token(
                db, user_id=user.id, scopes=granted, label=label, now=now, expires_at=expires_at
            )
            record(db, now, actor, "token.issue", target=row.id, detail=f"user={user.id} scopes={granted}")
            return self._tokens.issue_api(user.id, row.id, now, expires_at)

    def list_tokens(self) -> Sequence[TokenSummary]:
        """Every API token, the newest first."""
        with self._db.read() as db:
            return repository.all_api_tokens(db)

    def revoke_token(self, token_id: str, *, actor: str, now: float) -> None:
        """End an API token. Raises NoSuchThing."""
        with self._db.write() as db:
            if not token_id.isascii() or not repository.revoke_api_token(db, token_id, now):
                raise NoSuchThing(f"there is no token {token_id!a}; see: cloudchat admin list-tokens")
            record(db, now, actor, "token.revoke", target=token_id[:32])

    def disable_user(self, name: str, *, actor: str, now: float) -> None:
        """Lock a user out: no login, no token of theirs is good, and their sessions end. Raises NoSuchThing."""
        with self._db.write() as db:
            user = user_by_name(db, name)
            if user is None:
                raise NoSuchThing(f"there is no user {name!a}")
            user.disabled_at = user.disabled_at or now
            user.access_changed_at = now
            end_sessions_of(db, user.id, now, "account disabled")
            record(db, now, actor, "user.disable", target=user.id)

    def enable_user(self, name: str, *, actor: str, now: float) -> None:
        """Let a disabled user log in again; API tokens that were not revoked are good again. Raises NoSuchThing."""
        with self._db.write() as db:
            user = user_by_name(db, name)
            if user is None:
                raise NoSuchThing(f"there is no user {name!a}")
            user.disabled_at = None
            user.access_changed_at = now
            record(db, now, actor, "user.enable", target=user.id)

    def create_invite(self, seconds: int, *, actor: str, now: float) -> str:
        """A right to register once within `seconds`; shown now and never again."""
        secret, secret_hash = new_secret()
        with self._db.write() as db:
            invite = add_invite(db, token_hash=secret_hash, now=now, expires_at=now + seconds)
            record(db, now, actor, "invite.create", target=invite.id)
        return secret
