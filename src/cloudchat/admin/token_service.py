"""API tokens: issued by administrators for programs, with scopes that both the user and the administrator have."""

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from cloudchat.admin import repository
from cloudchat.admin.actor import Actor, audit_denials
from cloudchat.admin.labels import validate_label
from cloudchat.admin.repository import TokenSummary
from cloudchat.auth.errors import AccountDisabled, Conflict, InvalidField, NotFound, PermissionDenied
from cloudchat.auth.principal import SCOPES, SCOPES_OF_ROLE
from cloudchat.auth.repository import user_by_name, user_for_update
from cloudchat.auth.tokens.kinds import MAX_API_TOKEN_SECONDS
from cloudchat.database.transactions import Database

MIN_TOKEN_SECONDS = 1

SignApiToken = Callable[[str, str, float, int], str]
"""See `Tokens.issue_api`. A function, so that a command loads the cryptography and the keys when it issues a token."""


class IssuedToken(Struct, frozen=True):
    """A new API token, to be shown once. `expires_at` is in seconds since 1970."""

    id: str
    token: str
    expires_at: float


class TokenService:
    """Issues, lists and revokes API tokens. Blocking: call it in threads."""

    def __init__(self, db: Database, sign: SignApiToken) -> None:
        self._db = db
        self._sign = sign

    def issue(
        self, name: str, scopes: Collection[str], seconds: int, *, label: str, actor: Actor, now: float
    ) -> IssuedToken:
        """Issue an API token for the user `name`, valid for `seconds`.

        Raises:
            NotFound, AccountDisabled, StepUpRequired
            InvalidField: A scope is unknown, or the lifetime or the label is out of bounds.
            Conflict: The role of the user does not have one of the scopes.
            PermissionDenied: The actor does not have one of the scopes, or is an API token that would expire first, or
                whose user is not the administrator.
        """
        if not MIN_TOKEN_SECONDS <= seconds <= MAX_API_TOKEN_SECONDS:
            days = MAX_API_TOKEN_SECONDS // 86400
            raise InvalidField("ttl_seconds", f"a token must be valid for {MIN_TOKEN_SECONDS} second to {days} days")
        validate_label(label)
        if not scopes or set(scopes) - SCOPES:
            raise InvalidField("scopes", f"a token must have one or more of the scopes {', '.join(sorted(SCOPES))}")
        with self._db.read() as db:
            user = user_by_name(db, name)
        if user is None:
            raise NotFound(f"there is no user {name!a}", operator_hint="create one: cloudchat admin create-user")
        with audit_denials(self._db, actor, "token.issue", user.id, now):
            return self._issue(user.id, frozenset(scopes), int(now) + seconds, label, actor, now)

    def list(self) -> Sequence[TokenSummary]:
        """Return all API tokens, newest first."""
        with self._db.read() as db:
            return repository.all_api_tokens(db)

    def revoke(self, token_id: str, *, actor: Actor, now: float) -> None:
        """Revoke an API token. Does nothing if it was revoked before.

        Raises:
            NotFound, PermissionDenied, StepUpRequired
        """
        with self._db.read() as db:
            user = repository.user_of_api_token(db, token_id)
        if user is None:
            raise NotFound(f"there is no token {token_id!a}", operator_hint="see: cloudchat admin list-tokens")
        with audit_denials(self._db, actor, "token.revoke", user.id, now), self._db.write() as db:
            actor.demand_step_up(now)
            actor.demand_power_over(user.id, user.role)
            if repository.revoke_api_token(db, token_id, now):
                actor.record(db, now, "token.revoke", target=user.id, detail=f"token={token_id}")

    def _issue(
        self, user_id: str, scopes: frozenset[str], expires_at: int, label: str, actor: Actor, now: float
    ) -> IssuedToken:
        with self._db.write() as db:
            actor.demand_step_up(now)
            actor.demand_outliving(expires_at)
            user = user_for_update(db, user_id)
            actor.demand_power_over(user.id, user.role)
            if user.disabled_at is not None:
                raise AccountDisabled(
                    f"{user.name} is disabled", operator_hint=f"first: cloudchat admin enable-user {user.name}"
                )
            if scopes - SCOPES_OF_ROLE[user.role]:
                allowed = ",".join(sorted(SCOPES_OF_ROLE[user.role]))
                raise Conflict(f"{user.name} has the role {user.role}; its tokens may have {allowed}", field="scopes")
            if scopes - actor.scopes:
                raise PermissionDenied("a token cannot have scopes that its issuer does not have")
            scope = " ".join(sorted(scopes))
            token_id = repository.add_api_token(
                db, user_id=user.id, scopes=scope, label=label, now=now, expires_at=expires_at
            )
            detail = f"token={token_id} scopes={scope}" + (f" label={label!r}" if label else "")
            actor.record(db, now, "token.issue", target=user.id, detail=detail)
            return IssuedToken(token_id, self._sign(user.id, token_id, now, expires_at), expires_at)
