"""Order the erasure of a person's data, and export that data."""

from collections.abc import Iterator

from msgspec import Struct

from cloudchat.admin.actor import Actor, audit_denials
from cloudchat.admin.personal_data import repository
from cloudchat.admin.personal_data.repository import Section
from cloudchat.admin.repository import lock_administrators
from cloudchat.auth.errors import Conflict, NotFound
from cloudchat.auth.repository import update_user, user_by_id, user_for_update
from cloudchat.auth.second_factor.repository import remove_second_factor
from cloudchat.auth.usernames import name_skeleton, username_key
from cloudchat.core.ids import new_id
from cloudchat.database.transactions import Database

ERASED_NAME = "deleted-user-"
"""The beginning of the names of erased users."""


class ErasureProgress(Struct, frozen=True):
    """How far an erasure is. `messages_left` still have their text."""

    messages_left: int
    finished: bool


class PersonalDataService:
    """Erases and exports what is stored about a person. Blocking: call it in threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def order_erasure(self, user_id: str, *, actor: Actor, now: float) -> str:
        """Erase the account, and order the servers to erase the rest. Return the name that replaces the user's.

        In one transaction: no login, token, second factor, read position or device of the person is left, the name is
        replaced in all rooms, and open sockets are closed within seconds.

        Raises:
            NotFound, PermissionDenied, StepUpRequired
            Conflict: The user is erased already, or is the last administrator.
        """
        with audit_denials(self._db, actor, "user.erase", user_id, now), self._db.write() as db:
            actor.demand_step_up(now)
            administrators = lock_administrators(db)
            user = user_for_update(db, user_id)
            actor.demand_power_over(user.id, user.role)
            if user.erased_at is not None:
                raise Conflict(f"{user.name} has been erased already")
            if administrators == [user.id]:
                raise Conflict("this is the last administrator; first make another user an administrator")
            name = f"{ERASED_NAME}{user.id[:8].lower().replace('_', '0').replace('-', '0')}"
            while repository.name_is_taken(db, name):
                name = f"{ERASED_NAME}{new_id()[:8].lower().replace('_', '0').replace('-', '0')}"
            update_user(
                db,
                user,
                name=name,
                name_key=username_key(name),
                name_skeleton=name_skeleton(name),
                password_hash=None,
                must_change_password=False,
                role="member",
                disabled_at=now,
                erased_at=now,
            )
            remove_second_factor(db, user_id, now)
            repository.delete_account_data(db, user_id)
            repository.add_erasure(db, user_id, now)
            actor.record(db, now, "user.erase", target=user_id)
            return name

    def erasure_progress(self, user_id: str) -> ErasureProgress:
        """Return how far the erasure of a user is. Raises NotFound if none was ordered."""
        with self._db.read() as db:
            finished = repository.erasure_is_finished(db, user_id)
            if finished is None:
                raise NotFound("this user is not being erased")
            return ErasureProgress(repository.count_texts(db, user_id), finished)

    def export(self, user_id: str) -> Iterator[tuple[str, Section]]:
        """Yield the name and the content of each part of what is stored about a user. Raises NotFound.

        A part is one object, or an iterator over objects that reads them in pages: a person may have written millions
        of messages. Read it before the next part.
        """
        with self._db.read() as db:
            user = user_by_id(db, user_id)
        if user is None:
            raise NotFound("there is no such user")
        yield "account", repository.account(user)
        for name, read_page in repository.SECTIONS.items():
            yield name, self._pages(read_page, user_id)

    def _pages(self, read_page: repository.ReadPage, user_id: str) -> Iterator[repository.Item]:
        cursor: repository.Cursor = None
        while True:
            with self._db.read() as db:  # one transaction for each page: none stays open while the output is slow
                items, cursor = read_page(db, user_id, cursor)
            yield from items
            if cursor is None:
                return
