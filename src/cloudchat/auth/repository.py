"""SQL queries for users and invites."""

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudchat.auth.errors import NameTaken, NotFound
from cloudchat.auth.usernames import lookup_key, name_skeleton, username_key
from cloudchat.core.ids import new_id
from cloudchat.database.lobby import join_lobby
from cloudchat.database.models import Invite, User
from cloudchat.database.transactions import changed_rows


def add_user(
    db: Session,
    *,
    name: str,
    password_hash: str | None,
    role: str,
    now: float,
    must_change_password: bool = False,
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
        created_at=now,
        must_change_password=must_change_password,
    )
    db.add(user)
    try:
        db.flush()
    except IntegrityError as error:
        raise NameTaken("this username is taken") from error
    join_lobby(db, user.id, now)
    return user


def demand_free_name(db: Session, name: str) -> None:
    """Check that no user has this name in any case, or one that looks like it (Unicode UTS #39). Raises NameTaken."""
    if db.scalar(select(User.id).where(User.name_key == username_key(name))) is not None:
        raise NameTaken("this username is taken")
    if db.scalar(select(User.id).where(User.name_skeleton == name_skeleton(name))) is not None:
        raise NameTaken("this username looks like that of another user; choose one that differs more")


def rename_user(db: Session, user: User, name: str) -> None:
    """Give a user another name. It must be free."""
    user.name, user.name_key, user.name_skeleton = name, username_key(name), name_skeleton(name)
    db.flush()


def user_by_name(db: Session, name: str) -> User | None:
    """Return the user with this name in any case and with any blanks around it, or None."""
    key = lookup_key(name)
    return db.scalar(select(User).where(User.name_key == key)) if key else None


def user_by_id(db: Session, user_id: str, *, for_update: bool = False) -> User | None:
    """Return the user or None. `for_update` locks the row until the transaction ends."""
    query = select(User).where(User.id == user_id)
    return db.scalar(query.with_for_update() if for_update else query)


def user_for_update(db: Session, user_id: str) -> User:
    """Return the user, with the row locked until the transaction ends. Raises NotFound."""
    user = user_by_id(db, user_id, for_update=True)
    if user is None:
        raise NotFound("there is no such user")
    return user


def replace_password(db: Session, user_id: str, *, old_hash: str, new_hash: str, must_change: bool) -> bool:
    """Store a new password hash. Return False if another transaction has replaced the old one."""
    replace = (
        update(User)
        .where(User.id == user_id, User.password_hash == old_hash)
        .values(password_hash=new_hash, must_change_password=must_change)
    )
    return changed_rows(db, replace) == 1


def any_user_exists(db: Session) -> bool:
    """Return whether there are any accounts."""
    return db.scalar(select(User.id).limit(1)) is not None


def add_invite(db: Session, *, token_hash: str, label: str, now: float, expires_at: float) -> Invite:
    """Insert an unused invite."""
    invite = Invite(token_hash=token_hash, id=new_id(), label=label, created_at=now, expires_at=expires_at)
    db.add(invite)
    return invite


def invite_is_valid(db: Session, token_hash: str, now: float) -> bool:
    """Return whether the invite exists, is unused and has not expired."""
    query = select(Invite.id).where(Invite.token_hash == token_hash, Invite.used_at.is_(None), Invite.expires_at > now)
    return db.scalar(query) is not None


def use_invite(db: Session, token_hash: str, *, user_id: str, now: float) -> bool:
    """Mark the invite as used. Return False if it is not valid.

    One conditional UPDATE: of two concurrent registrations with one invite, one succeeds.
    """
    use = (
        update(Invite)
        .where(Invite.token_hash == token_hash, Invite.used_at.is_(None), Invite.expires_at > now)
        .values(used_at=now, used_by=user_id)
    )
    return changed_rows(db, use) == 1
