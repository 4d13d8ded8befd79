"""SQL queries for users and invites."""

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from cloudchat.auth.errors import NameTaken, NotFound
from cloudchat.auth.usernames import lookup_key, name_skeleton, username_key
from cloudchat.core.ids import new_id
from cloudchat.database.lobby import join_lobby
from cloudchat.database.tables.accounts import User, invites, users
from cloudchat.database.transactions import Transaction, changed_rows, first_row


def add_user(
    db: Transaction,
    *,
    name: str,
    password_hash: str | None,
    role: str,
    now: float,
    must_change_password: bool = False,
    disabled_at: float | None = None,
) -> User:
    """Insert a user, who is then a member of the lobby. Raises NameTaken.

    The unique keys on the name decide between concurrent inserts.
    """
    demand_free_name(db, name)
    user = User(
        id=new_id(),
        name=name,
        name_key=username_key(name),
        name_skeleton=name_skeleton(name),
        password_hash=password_hash,
        role=role,
        must_change_password=must_change_password,
        created_at=now,
        disabled_at=disabled_at,
    )
    try:
        db.execute(insert(users).values(user._asdict()))
    except IntegrityError as error:
        raise NameTaken("this username is taken") from error
    join_lobby(db, user.id, now)
    return user


def demand_free_name(db: Transaction, name: str) -> None:
    """Check that no user has this name in any case, or one that looks like it (Unicode UTS #39). Raises NameTaken."""
    if db.scalar(select(users.c.id).where(users.c.name_key == username_key(name))) is not None:
        raise NameTaken("this username is taken")
    if db.scalar(select(users.c.id).where(users.c.name_skeleton == name_skeleton(name))) is not None:
        raise NameTaken("this username looks like that of another user; choose one that differs more")


def user_by_name(db: Transaction, name: str) -> User | None:
    """Return the user with this name in any case and with any blanks around it, or None."""
    key = lookup_key(name)
    return first_row(db, User, select(users).where(users.c.name_key == key)) if key else None


def user_by_id(db: Transaction, user_id: str, *, for_update: bool = False) -> User | None:
    """Return the user or None. `for_update` locks the row until the transaction ends."""
    query = select(users).where(users.c.id == user_id)
    return first_row(db, User, query.with_for_update() if for_update else query)


def user_for_update(db: Transaction, user_id: str) -> User:
    """Return the user, with the row locked until the transaction ends. Raises NotFound."""
    user = user_by_id(db, user_id, for_update=True)
    if user is None:
        raise NotFound("there is no such user")
    return user


def update_user(db: Transaction, user: User, **changes: Any) -> User:
    """Change columns of a user, whose row is locked. Return the changed user."""
    db.execute(update(users).where(users.c.id == user.id).values(changes))
    return user._replace(**changes)


def replace_password(db: Transaction, user_id: str, *, old_hash: str, new_hash: str, must_change: bool) -> bool:
    """Store a new password hash. Return False if another transaction has replaced the old one."""
    replace = (
        update(users)
        .where(users.c.id == user_id, users.c.password_hash == old_hash)
        .values(password_hash=new_hash, must_change_password=must_change)
    )
    return changed_rows(db, replace) == 1


def any_user_exists(db: Transaction) -> bool:
    """Return whether there are any accounts."""
    return db.scalar(select(users.c.id).limit(1)) is not None


def add_invite(db: Transaction, *, token_hash: str, label: str, now: float, expires_at: float) -> str:
    """Insert an unused invite. Return its id."""
    invite_id = new_id()
    row = {"token_hash": token_hash, "id": invite_id, "label": label, "created_at": now, "expires_at": expires_at}
    db.execute(insert(invites).values(row))
    return invite_id


def invite_is_valid(db: Transaction, token_hash: str, now: float) -> bool:
    """Return whether the invite exists, is unused and has not expired."""
    query = select(invites.c.id).where(
        invites.c.token_hash == token_hash, invites.c.used_at.is_(None), invites.c.expires_at > now
    )
    return db.scalar(query) is not None


def use_invite(db: Transaction, token_hash: str, *, user_id: str, now: float) -> bool:
    """Mark the invite as used. Return False if it is not valid.

    One conditional UPDATE: of two concurrent registrations with one invite, one succeeds.
    """
    use = (
        update(invites)
        .where(invites.c.token_hash == token_hash, invites.c.used_at.is_(None), invites.c.expires_at > now)
        .values(used_at=now, used_by=user_id)
    )
    return changed_rows(db, use) == 1
