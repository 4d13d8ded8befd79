"""API tokens: for programs, issued by administrators, within what both hold."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cloudchat.admin import token_repository as repository
from cloudchat.admin.actor import Actor
from cloudchat.admin.audit_denials import audit_denials
from cloudchat.admin.token_repository import TokenSummary
from cloudchat.auth.errors import AccountDisabled, Conflict, InvalidField, NotAllowed, NotFound
from cloudchat.auth.principal import SCOPES, SCOPES_OF_ROLE
from cloudchat.auth.repository import user_by_name
from cloudchat.auth.tokens.access_tokens import API_TOKEN_MOST_SECONDS, Tokens
from cloudchat.database.audit import record
from cloudchat.database.transactions import Database

TOKEN_LEAST_SECONDS = 1
LABEL_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new API token, for the one time that it is shown. `expires_at` is in seconds since 1970."""

    id: str
    token: str
    expires_at: float


class TokenService:
    """Each change and its audit entry are one transaction. Blocking: for threads."""

    def __init__(self, db: Database, tokens: Tokens) -> None:
        self._db = db
        self._tokens = tokens

    def issue(
        self, name: str, scopes: Collection[str], seconds: int, *, label: str, actor: Actor, now: float
    ) -> IssuedToken:
        """An API token for a user, good for `seconds`; shown now and never again.

        Raises NotFound, AccountDisabled, NotAllowed (a scope that the actor does not hold), Conflict (one beyond the
        user's role), InvalidField (one that there is not, a life beyond the bounds).
        """
        if not TOKEN_LEAST_SECONDS <= seconds <= API_TOKEN_MOST_SECONDS:
            days = API_TOKEN_MOST_SECONDS // 86400
            raise InvalidField("ttl_seconds", f"a token lives from {TOKEN_LEAST_SECONDS} second to {days} days")
        if len(label) > LABEL_CHARACTERS or not label.isprintable():
            raise InvalidField("label", f"a label has at most {LABEL_CHARACTERS} printable characters")
        if not scopes or set(scopes) - SCOPES:
            raise InvalidField("scopes", f"a token holds one or more of {', '.join(sorted(SCOPES))}")
        with audit_denials(self._db, actor, "token.issue", "", now):
            return self._issue(name, frozenset(scopes), int(now) + seconds, label, actor, now)

    def list(self) -> Sequence[TokenSummary]:
        """Every API token, the newest first."""
        with self._db.read() as db:
            return repository.all_api_tokens(db)

    def revoke(self, token_id: str, *, actor: Actor, now: float) -> None:
        """End an API token; a second time changes nothing. Raises NotFound."""
        with self._db.write() as db:
            if not repository.has_api_token(db, token_id):
                raise NotFound(f"there is no token {token_id!a}; see: cloudchat admin list-tokens")
            if repository.revoke_api_token(db, token_id, now):
                record(db, now, actor.id, "token.revoke", target=token_id, address=actor.address)

    def _issue(
        self, name: str, scopes: frozenset[str], expires_at: int, label: str, actor: Actor, now: float
    ) -> IssuedToken:
        with self._db.write() as db:
            user = user_by_name(db, name)
            if user is None:
                raise NotFound(f"there is no user {name!a}; create one: cloudchat admin create-user")
            if user.disabled_at is not None:
                raise AccountDisabled(f"{user.name} is disabled; first: cloudchat admin enable-user {user.name}")
            if scopes - SCOPES_OF_ROLE[user.role]:
                may = ",".join(sorted(SCOPES_OF_ROLE[user.role]))
                raise Conflict(f"{user.name} is {user.role}, whose tokens may hold {may}", field="scopes")
            if scopes - actor.scopes:
                raise NotAllowed("nobody gives a token more than their own holds")
            granted = " ".join(sorted(scopes))
            row = repository.add_api_token(
                db, user_id=user.id, scopes=granted, label=label, now=now, expires_at=expires_at
            )
            detail = f"user={user.id} scopes={granted}"
            record(db, now, actor.id, "token.issue", target=row.id, address=actor.address, detail=detail)
            return IssuedToken(row.id, self._tokens.issue_api(user.id, row.id, now, expires_at), expires_at)
