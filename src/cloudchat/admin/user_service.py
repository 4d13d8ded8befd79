"""Accounts in an administrator's hands: made, disabled, enabled, promoted, given a new first password."""

from collections.abc import Sequence

from cloudchat.admin import user_repository as repository
from cloudchat.admin.actor import Actor
from cloudchat.admin.audit_denials import audit_denials
from cloudchat.admin.user_repository import UserSummary, summary_of
from cloudchat.auth.errors import Conflict, InvalidField, NotFound
from cloudchat.auth.passwords.hashing import Passwords
from cloudchat.auth.principal import ADMIN, SCOPES_OF_ROLE
from cloudchat.auth.repository import add_user, user_by_id, user_by_name
from cloudchat.auth.second_factor.recovery_codes import new_one_time_password
from cloudchat.auth.second_factor.repository import remove_second_factor
from cloudchat.auth.sessions.repository import end_sessions_of
from cloudchat.auth.usernames import clean_username
from cloudchat.database.audit import record
from cloudchat.database.models import User
from cloudchat.database.transactions import Database, Transaction


class UserService:
    """Each change and its audit entry are one transaction. Blocking: for threads."""

    def __init__(self, db: Database, passwords: Passwords) -> None:
        self._db = db
        self._passwords = passwords

    def find(self, name: str) -> str:
        """The id of the user `name`. Raises NotFound."""
        with self._db.read() as db:
            user = user_by_name(db, name)
        if user is None:
            raise NotFound(f"there is no user {name!a}; see: cloudchat admin list-users")
        return user.id

    def list(self, after: str | None, limit: int) -> Sequence[UserSummary]:
        """Accounts, the oldest first, from behind the user `after`. Raises NotFound."""
        with self._db.read() as db:
            return repository.users_after(db, after, limit)

    def create(self, name: str, password: str, role: str, *, actor: Actor, now: float) -> UserSummary:
        """A user with a password of their own. Raises InvalidField, NameTaken."""
        return self._create(name, password, role, must_change=False, actor=actor, now=now)

    def create_with_one_time_password(
        self, name: str, role: str, *, actor: Actor, now: float
    ) -> tuple[UserSummary, str]:
        """A user, and the password that opens nothing but the change of it; shown now and never again.

        Raises InvalidField, NameTaken.
        """
        password = new_one_time_password()
        return self._create(name, password, role, must_change=True, actor=actor, now=now), password

    def change(
        self, user_id: str, *, role: str | None = None, disabled: bool | None = None, actor: Actor, now: float
    ) -> UserSummary:
        """Set the role, disable or enable; None leaves it. A disabled user's sessions end.

        Raises NotFound, InvalidField; Conflict: nobody disables or demotes themselves, or the last administrator.
        """
        if role is not None:
            _check_role(role)
        with audit_denials(self._db, actor, "user.change", user_id, now), self._db.write() as db:
            administrators = repository.lock_administrators(db)
            user = _user(db, user_id)
            if user.id in administrators and (disabled or (role or ADMIN) != ADMIN):
                if user.id == actor.id:
                    raise Conflict("administrators can't disable or demote themselves; another one can")
                if len(administrators) == 1:
                    raise Conflict("this is the last administrator; first make another one")
            if role is not None and role != user.role:
                detail = f"role={role} before={user.role}"
                user.role = role
                user.access_changed_at = now
                record(db, now, actor.id, "user.role", target=user.id, address=actor.address, detail=detail)
            if disabled is not None and disabled != (user.disabled_at is not None):
                user.disabled_at = now if disabled else None
                user.access_changed_at = now
                if disabled:
                    end_sessions_of(db, user.id, now, "account disabled")
                action = "user.disable" if disabled else "user.enable"
                record(db, now, actor.id, action, target=user.id, address=actor.address)
            return summary_of(user)

    def reset_password(self, user_id: str, *, actor: Actor, now: float) -> str:
        """A one-time password, shown now and never again; the old one and every session end.

        Raises NotFound, Conflict (one's own).
        """
        password = new_one_time_password()
        password_hash = self._passwords.hash_new(password, username="")
        with audit_denials(self._db, actor, "user.reset_password", user_id, now), self._db.write() as db:
            user = _other_user(db, user_id, actor)
            user.password_hash = password_hash
            user.must_change_password = True
            user.access_changed_at = now
            end_sessions_of(db, user.id, now, "password reset")
            record(db, now, actor.id, "user.reset_password", target=user.id, address=actor.address)
        return password

    def reset_second_factor(self, user_id: str, *, actor: Actor, now: float) -> None:
        """For who lost the phone and the recovery codes; every session ends.

        Raises NotFound, Conflict (there is none, or it is one's own).
        """
        with audit_denials(self._db, actor, "user.reset_totp", user_id, now), self._db.write() as db:
            user = _other_user(db, user_id, actor)
            if user.totp_confirmed_at is None:
                raise Conflict(f"{user.name} has no second factor")
            remove_second_factor(db, user, now)
            end_sessions_of(db, user.id, now, "second factor reset")
            record(db, now, actor.id, "user.reset_totp", target=user.id, address=actor.address)

    def _create(
        self, name: str, password: str, role: str, *, must_change: bool, actor: Actor, now: float
    ) -> UserSummary:
        _check_role(role)
        name = clean_username(name)
        password_hash = self._passwords.hash_new(password, username=name)
        with self._db.write() as db:
            user = add_user(
                db, name=name, password_hash=password_hash, role=role, now=now, must_change_password=must_change
            )
            detail = f"role={role}"
            record(db, now, actor.id, "user.create", target=user.id, address=actor.address, detail=detail)
            return summary_of(user)


def _check_role(role: str) -> None:
    if role not in SCOPES_OF_ROLE:
        raise InvalidField("role", f"a role is one of {', '.join(SCOPES_OF_ROLE)}")


def _user(db: Transaction, user_id: str) -> User:
    user = user_by_id(db, user_id, to_change=True)
    if user is None:
        raise NotFound("there is no such user")
    return user


def _other_user(db: Transaction, user_id: str, actor: Actor) -> User:
    # A stolen session must not become the account: the settings, where one's own are changed, ask for the old ones.
    user = _user(db, user_id)
    if user.id == actor.id:
        raise Conflict("this is your own account; change it in your settings")
    return user
