"""The management of users by administrators: create, disable, enable, set the role, reset credentials."""

from collections.abc import Sequence

from cloudchat.admin import repository
from cloudchat.admin.actor import Actor, audit_denials
from cloudchat.admin.repository import UserSummary, summary_of
from cloudchat.auth.errors import Conflict, InvalidField, NotFound
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.passwords.policy import new_one_time_password
from cloudchat.auth.principal import ADMIN, SCOPES_OF_ROLE
from cloudchat.auth.repository import add_user, demand_free_name, update_user, user_by_id, user_by_name, user_for_update
from cloudchat.auth.second_factor.repository import remove_second_factor
from cloudchat.auth.sessions.repository import end_session, end_sessions_of
from cloudchat.auth.usernames import clean_username, lookup_key, trim_username
from cloudchat.database.tables.accounts import User
from cloudchat.database.transactions import Database, Transaction


class UserService:
    """Manages accounts. Blocking: call it in threads."""

    def __init__(self, db: Database, hasher: PasswordHasher) -> None:
        self._db = db
        self._hasher = hasher

    def find(self, name: str) -> str:
        """Return the id of the user `name`. Raises NotFound."""
        with self._db.read() as db:
            user = user_by_name(db, name)
        if user is None:
            raise NotFound(f"there is no user {name!a}; see: cloudchat admin list-users")
        return user.id

    def list(self, after: str | None, limit: int, beginning: str = "") -> Sequence[UserSummary]:
        """Return a page of accounts whose names begin so, oldest first, after the user `after`. Raises NotFound."""
        key = lookup_key(beginning) if beginning else ""
        if key is None:
            return []
        with self._db.read() as db:
            return repository.users_after(db, after, limit, key)

    def get(self, user_id: str) -> UserSummary:
        """Return an account. Raises NotFound."""
        with self._db.read() as db:
            user = user_by_id(db, user_id)
        if user is None:
            raise NotFound("there is no such user")
        return summary_of(user)

    def create(self, name: str, password: str, role: str, *, actor: Actor, now: float) -> UserSummary:
        """Create a user with a permanent password.

        Raises:
            InvalidField, NameTaken
            PermissionDenied, StepUpRequired: For the role `admin`.
        """
        return self._create(name, password, role, must_change=False, actor=actor, now=now)

    def create_with_one_time_password(
        self, name: str, role: str, *, actor: Actor, now: float
    ) -> tuple[UserSummary, str]:
        """Create a user with a one-time password, to be shown once. With it, the user can only set a new password.

        Raises:
            InvalidField, NameTaken
            PermissionDenied, StepUpRequired: For the role `admin`.
        """
        password = new_one_time_password()
        return self._create(name, password, role, must_change=True, actor=actor, now=now), password

    def change(
        self, user_id: str, *, role: str | None = None, disabled: bool | None = None, actor: Actor, now: float
    ) -> UserSummary:
        """Set the role, disable or enable the user. None changes nothing. Disabling ends the user's sessions.

        Raises:
            NotFound, InvalidField, PermissionDenied, StepUpRequired
            Conflict: The change would disable or demote the actor or the last administrator.
        """
        if role is not None:
            _validate_role(role)
        with audit_denials(self._db, actor, "user.change", user_id, now), self._db.write() as db:
            actor.demand_step_up(now)
            administrators = repository.lock_administrators(db)
            user = user_for_update(db, user_id)
            actor.demand_power_over(user.id, user.role)
            if role is not None and role != user.role:
                actor.demand_power_over("", role)
            if user.id in administrators and (disabled or (role or ADMIN) != ADMIN):
                if user.id == actor.id:
                    raise Conflict("administrators cannot disable or demote themselves; another one can")
                if len(administrators) == 1:
                    raise Conflict("this is the last administrator; first make another user an administrator")
            if role is not None and role != user.role:
                detail = f"role={role} before={user.role}"
                user = update_user(db, user, role=role, access_changed_at=now)
                actor.record(db, now, "user.role", target=user.id, detail=detail)
            if disabled is not None and disabled != (user.disabled_at is not None):
                user = update_user(db, user, disabled_at=now if disabled else None, access_changed_at=now)
                if disabled:
                    end_sessions_of(db, user.id, now, "account disabled")
                actor.record(db, now, "user.disable" if disabled else "user.enable", target=user.id)
            return summary_of(user)

    def reset_password(self, user_id: str, *, actor: Actor, now: float) -> str:
        """Replace the password with a one-time password, to be shown once. End the user's sessions.

        Raises:
            NotFound, PermissionDenied, StepUpRequired
            Conflict: The user is the actor.
        """
        password = new_one_time_password()
        with audit_denials(self._db, actor, "user.reset_password", user_id, now):
            actor.demand_step_up(now)
            password_hash = self._hasher.hash_new(password, username="")
            self._replace_password(user_id, password_hash, actor, now)
        return password

    def reset_second_factor(self, user_id: str, *, actor: Actor, now: float) -> None:
        """Remove the second factor of a user who lost the device and the recovery codes. End the user's sessions.

        Raises:
            NotFound, PermissionDenied, StepUpRequired
            Conflict: The user has no second factor, or is the actor.
        """
        with audit_denials(self._db, actor, "user.reset_totp", user_id, now), self._db.write() as db:
            actor.demand_step_up(now)
            user = _other_user(db, user_id, actor)
            if user.totp_confirmed_at is None:
                raise Conflict(f"{user.name} has no second factor")
            remove_second_factor(db, user.id, now)
            end_sessions_of(db, user.id, now, "second factor reset")
            actor.record(db, now, "user.reset_totp", target=user.id)

    def end_session(self, user_id: str, session_id: str, *, actor: Actor, now: float) -> None:
        """End a session of a user, for example of a lost phone.

        Raises:
            NotFound, PermissionDenied
            Conflict: The user is the actor.
        """
        with audit_denials(self._db, actor, "session.end", session_id, now), self._db.write() as db:
            user = _other_user(db, user_id, actor)
            if not end_session(db, session_id, now, "ended by an administrator", user_id=user.id):
                raise NotFound("there is no such session")
            actor.record(db, now, "session.end", target=session_id)

    def _replace_password(self, user_id: str, password_hash: str, actor: Actor, now: float) -> None:
        with self._db.write() as db:
            user = _other_user(db, user_id, actor)
            update_user(db, user, password_hash=password_hash, must_change_password=True, access_changed_at=now)
            end_sessions_of(db, user.id, now, "password reset")
            actor.record(db, now, "user.reset_password", target=user.id)

    def _create(
        self, name: str, password: str, role: str, *, must_change: bool, actor: Actor, now: float
    ) -> UserSummary:
        _validate_role(role)
        if role == ADMIN:
            with audit_denials(self._db, actor, "user.create", "", now):
                actor.demand_step_up(now)
                actor.demand_power_over("", role)
        name = clean_username(trim_username(name))
        with self._db.read() as db:
            demand_free_name(db, name)  # saves the cost of a hash
        password_hash = self._hasher.hash_new(password, username=name)
        with self._db.write() as db:
            user = add_user(
                db, name=name, password_hash=password_hash, role=role, now=now, must_change_password=must_change
            )
            actor.record(db, now, "user.create", target=user.id, detail=f"role={role}")
            return summary_of(user)


def _validate_role(role: str) -> None:
    if role not in SCOPES_OF_ROLE:
        raise InvalidField("role", f"a role must be one of {', '.join(SCOPES_OF_ROLE)}")


def _other_user(db: Transaction, user_id: str, actor: Actor) -> User:
    # A stolen session must not be enough to take over the account: the user's own settings, where these changes are
    # made, ask for the current password and code.
    user = user_for_update(db, user_id)
    if user.id == actor.id:
        raise Conflict("this is your own account; change it in your settings")
    actor.demand_power_over(user.id, user.role)
    return user
