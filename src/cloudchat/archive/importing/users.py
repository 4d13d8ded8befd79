"""The users of an import: who of them is a user of this installation, and new accounts for the others.

A user of the source is, in this order: the user that an earlier import has found; the user with the same name; a new
one, who is disabled and has no password. An administrator can enable it.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from cloudchat.archive.importing import repository
from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.repository import AlreadyInserted
from cloudchat.archive.importing.source import SourceUser
from cloudchat.auth.errors import InvalidField, NameTaken
from cloudchat.auth.principal import MEMBER
from cloudchat.auth.repository import add_user, demand_free_name, user_by_name
from cloudchat.auth.usernames import MAX_CHARACTERS, clean_username, is_reserved
from cloudchat.core.ids import new_id
from cloudchat.database.transactions import Database, Transaction

_MAX_NUMBER = 99
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


class ImportedUsers:
    """Finds and creates the users of one source. Blocking."""

    def __init__(self, db: Database, source: str, report: ImportReport, now: float) -> None:
        self._db = db
        self._source = source
        self._report = report
        self._now = now
        self._ids: dict[str, str] = {}

    def ids_of(self, users: Collection[SourceUser]) -> Mapping[str, str]:
        """Return the local ids of users by their ids in the source. Missing ones are created."""
        new = {user.id: user for user in users if user.id not in self._ids}
        if new:
            with self._db.read() as db:
                self._ids.update(repository.imported_user_ids(db, self._source, new))
            for user in new.values():
                if user.id not in self._ids:
                    self._ids[user.id] = self._find_or_create(user)
        return self._ids

    def preview(self, users: Collection[SourceUser]) -> None:
        """Report what `ids_of` would do, and write nothing."""
        for user in users:
            with self._db.read() as db:
                if repository.imported_user_ids(db, self._source, [user.id]):
                    continue
                if user_by_name(db, user.name) is not None:
                    self._report.add("users are those with the same names here", user.name)
                else:
                    self._report_new(user, next(name for name in _possible_names(user) if _is_free(db, name)))

    def _find_or_create(self, user: SourceUser) -> str:
        while True:
            try:
                return self._remember(user)
            except (NameTaken, AlreadyInserted):
                continue  # another import, which runs at the same time, has created or found the user

    def _remember(self, user: SourceUser) -> str:
        """Find or create the local user, in one transaction. Raises NameTaken, AlreadyInserted."""
        with self._db.write() as db:
            if known := repository.imported_user_ids(db, self._source, [user.id]):
                return known[user.id]
            found = user_by_name(db, user.name)
            name = found.name if found else next(name for name in _possible_names(user) if _is_free(db, name))
            if found is None:
                created = add_user(db, name=name, password_hash=None, role=MEMBER, now=self._now, disabled_at=self._now)
            user_id = (found or created).id
            repository.remember_user(db, self._source, user.id, user_id)
        if found is not None:
            self._report.add("users are those with the same names here", name)
        else:
            self._report_new(user, name)
        return user_id

    def _report_new(self, user: SourceUser, name: str) -> None:
        self._report.add("users are new here: disabled, without a password", name)
        if name != user.name:
            self._report.add("users have another name here, because theirs is not possible", f"{user.name} → {name}")


def _is_free(db: Transaction, name: str) -> bool:
    try:
        demand_free_name(db, name)
    except NameTaken:
        return False
    return True


def _possible_names(user: SourceUser) -> Iterator[str]:
    """Yield valid names for a user, the most similar first."""
    readable = _NOT_IN_NAMES.sub("-", unicodedata.normalize("NFKC", user.name)).strip("._-")
    ascii_only = unicodedata.normalize("NFKD", readable).encode("ascii", "ignore").decode().strip("._-")
    for beginning in (user.name, readable, ascii_only, "user"):
        for number in range(1, _MAX_NUMBER + 1):
            suffix = "" if number == 1 else f"-{number}"
            try:
                name = clean_username(beginning[: MAX_CHARACTERS - len(suffix)] + suffix)
            except InvalidField:
                break
            if not is_reserved(name):
                yield name
    while True:
        yield clean_username(f"user-{re.sub('[^a-z0-9]', '', new_id().lower())[:12]}")
