"""The authentication of requests and sockets: from an access token or API token to the principal and its scopes."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from cloudchat.auth.errors import AccountDisabled, AccountError, BadToken
from cloudchat.auth.principal import ADMINISTER, SCOPES_OF_ROLE, Principal
from cloudchat.auth.results import must_set_up_totp
from cloudchat.auth.tokens.access_tokens import Claims, Tokens
from cloudchat.auth.tokens.kinds import ACCESS, API
from cloudchat.auth.tokens.repository import TokenStatus, api_token_statuses, session_statuses
from cloudchat.auth.tokens.token_last_used import TokenLastUsed
from cloudchat.database.transactions import Database, Transaction


class Authenticator:
    """Verifies tokens and reads whether they were revoked. Blocking: call it in threads."""

    def __init__(self, db: Database, tokens: Tokens, *, admins_need_second_factor: bool) -> None:
        self._db = db
        self._tokens = tokens
        self._admins_need_second_factor = admins_need_second_factor
        self._token_last_used = TokenLastUsed(db)

    def close(self) -> None:
        """Write the pending times of last use. Call it before the database is closed."""
        self._token_last_used.close()

    def authenticate(self, token: str, now: float) -> Principal:
        """Return the principal of an access token or API token.

        The database is read each time, so a revocation takes effect immediately.

        Raises:
            BadToken, AccountDisabled
        """
        claims = self._tokens.verify(token, now)
        with self._db.read() as db:
            outcome = self.principals_of(db, {token: claims}, now)[token]
        if isinstance(outcome, AccountError):
            raise outcome
        return outcome

    def verify_all(self, tokens: Iterable[str], now: float) -> Mapping[str, Claims]:
        """Return the claims of each token that is valid by itself; `principals_of` reads whether it was revoked."""
        verified: dict[str, Claims] = {}
        for token in tokens:
            with suppress(BadToken):
                verified[token] = self._tokens.verify(token, now)
        return verified

    def principals_of(
        self, db: Transaction, verified: Mapping[str, Claims], now: float
    ) -> Mapping[str, Principal | AccountError]:
        """Return for each verified token its principal, or the error that `authenticate` raises.

        One query for each kind of token.
        """
        outcomes: dict[str, Principal | AccountError] = {}
        sessions = session_statuses(db, {claims.session_id for claims in verified.values() if claims.kind == ACCESS})
        api_tokens = api_token_statuses(db, {claims.token_id for claims in verified.values() if claims.kind == API})
        for token, claims in verified.items():
            status = sessions.get(claims.session_id) if claims.kind == ACCESS else api_tokens.get(claims.token_id)
            try:
                outcomes[token] = self._principal_of(claims, status, now)
            except AccountError as error:
                outcomes[token] = error
        return outcomes

    def _principal_of(self, claims: Claims, status: TokenStatus | None, now: float) -> Principal:
        if status is None or status.user_id != claims.user_id:
            raise BadToken("the token is not valid")
        if status.disabled:
            raise AccountDisabled("this account is disabled; ask an administrator")
        if status.revoked or now >= status.expires_at:
            raise BadToken("the token has been revoked or has expired")
        if claims.kind == API:
            self._token_last_used.record_use(claims.token_id, status.last_used_at, now)
        return Principal(
            user_id=status.user_id,
            name=status.name,
            role=status.role,
            scopes=self._scopes_of(status),
            session_id=claims.session_id or claims.token_id,
            expires_at=min(claims.expires_at, status.expires_at),
            kind=claims.kind,
            access_changed_at=status.access_changed_at,
            key_id=claims.key_id,
            verified_at=status.verified_at,
        )

    def _scopes_of(self, status: TokenStatus) -> frozenset[str]:
        scopes = SCOPES_OF_ROLE.get(status.role, frozenset())
        if status.scopes is not None:
            # An administrator issued the API token with these scopes. A program cannot enter a password or a code.
            return scopes & frozenset(status.scopes.split())
        if status.must_change_password:
            return frozenset()  # a one-time password allows only the change of the password
        if must_set_up_totp(
            status.role,
            has_second_factor=status.has_second_factor,
            admins_need_second_factor=self._admins_need_second_factor,
        ):
            scopes -= {ADMINISTER}
        return scopes
