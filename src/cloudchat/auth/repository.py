"""Users and invites in SQL."""

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudchat.auth.errors import InvalidField, NameTaken
from cloudchat.auth.usernames import clean_username, username_key
from cloudchat.core.ids import new_id
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
    """Insert a user. The unique key decides between two who come at once. Raises NameTaken."""
    user = User(
        id=new_id(),
        name=name,
        name_key=username_key(name),
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
    return user


def user_by_name(db: Session, name: str) -> User | None:
    """The user whom `name` means, in whatever upper and lower case."""
    try:
        key = username_key(clean_username(name))
    except InvalidField:  # nobody's name; databases choke on lone surrogates and NULs
        return None
    return db.scalar(select(User).where(User.name_key == key))


def user_by_id(db: Session, user_id: str, *, to_change: bool = False) -> User | None:
    """The user; `to_change` keeps others from changing it until the transaction's end."""
    query = select(User).where(User.id == user_id)
    return db.scalar(query.with_for_update() if to_change else query)


def replace_password(db: Session, user_id: str, *, old_hash: str, new_hash: str, must_change: bool) -> bool:
    """Store a new hash; False if the old one was replaced in the meantime."""
    replace = (
        update(User)
        .where(User.id == user_id, User.password_hash == old_hash)
        .values(password_hash=new_hash, must_change_password=must_change)
    )
    return changed_rows(db, replace) == 1


def any_user_exists(db: Session) -> bool:
    """Whether somebody has an account already."""
    return db.scalar(select(User.id).limit(1)) is not None


def add_invite(db: Session, *, token_hash: str, now: float, expires_at: float) -> Invite:
    """Insert an unused invite."""
    invite = Invite(token_hash=token_hash, id=new_id(), created_at=now, expires_at=expires_at)
    db.add(invite)
    return invite


def invite_is_good(db: Session, token_hash: str, now: float) -> bool:
    """Whether the invite could be used now."""
    query = select(Invite.id).where(Invite.token_hash == token_hash, Invite.used_at.is_(None), Invite.expires_at > now)
    return db.scalar(query) is not None


def use_invite(db: Session, token_hash: str, *, user_id: str, now: float) -> bool:
    """Use the invite up; False if it is not good. One conditional update: of two at once, one succeeds."""
    use = (
        update(Invite)
        .where(Invite.token_hash == token_hash, Invite.used_at.is_(None), Invite.expires_at > now)
        .values(used_at=now, used_by=user_id)
    )
    return changed_rows(db, use) == 1
