"""Create the signing keys and the first administrator at the first start."""

import logging
import time

from cloudchat.auth import repository
from cloudchat.auth.errors import NameTaken
from cloudchat.auth.keys.signing_keys import load_or_create
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.passwords.policy import new_one_time_password
from cloudchat.auth.principal import ADMIN
from cloudchat.database.audit import BY_SERVER, record
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from cloudchat.settings import Settings

FIRST_ADMIN = "admin"

log = logging.getLogger("cloudchat.auth")


def bootstrap(settings: Settings) -> str | None:
    """Create the signing keys if there are none, and the user `admin` if there are no users.

    The database must be migrated.

    Returns:
        The administrator's one-time password, to be shown once and changed at the first login. None if there are
        users already.

    Raises:
        KeyFolderError, DatabaseUrlError, DatabaseUnavailable
    """
    load_or_create(settings.state_dir / "keys")
    db = Database(create_engine(settings.database.get_secret_value()))
    try:
        return _create_first_admin(db)
    finally:
        db.close()


def _create_first_admin(db: Database) -> str | None:
    with db.read() as reading:
        if repository.any_user_exists(reading):
            return None
    password = new_one_time_password()
    password_hash = PasswordHasher().hash_new(password, username=FIRST_ADMIN)
    now = time.time()
    try:
        with db.write() as writing:
            if repository.any_user_exists(writing):
                return None
            user = repository.add_user(
                writing,
                name=FIRST_ADMIN,
                password_hash=password_hash,
                role=ADMIN,
                now=now,
                must_change_password=True,
            )
            record(writing, now, BY_SERVER, "user.create", target=user.id, detail=f"role={ADMIN}")
    except NameTaken:  # on PostgreSQL another server may start at the same moment; that one shows the password
        return None
    log.info("first administrator created user=%s", user.id)
    return password
