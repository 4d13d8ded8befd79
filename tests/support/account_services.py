"""The account services on their own database, without HTTP."""

import atexit
import functools
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cloudchat.admin.service import AdminService
from cloudchat.auth.authentication import Authenticator
from cloudchat.auth.keys.key_rotation import LiveKeyRing
from cloudchat.auth.keys.vault import open_vault
from cloudchat.auth.passwords.hashing import PasswordHasher
from cloudchat.auth.principal import Principal
from cloudchat.auth.results import SessionTokens
from cloudchat.auth.second_factor.service import SecondFactorService
from cloudchat.auth.service import AccountService
from cloudchat.auth.tokens.access_tokens import Tokens
from cloudchat.database.engine import create_engine
from cloudchat.database.migrations import upgrade
from cloudchat.database.transactions import Database
from cloudchat.rate_limiting.login_slowdown import LoginSlowdown, LoginWindows
from cloudchat.rooms.service import RoomService
from cloudchat.settings import DATABASE_FILE, Settings

PASSWORD = "five purple kettles sing"
NOW = 1_800_000_000.0


@functools.cache
def _migrated_file() -> Path:
    """Return an empty database with all migrations, made once per test process: they take 60 ms."""
    folder = Path(tempfile.mkdtemp(prefix="cc-migrated-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    upgrade(f"sqlite:///{folder / DATABASE_FILE}")
    return folder / DATABASE_FILE


@dataclass
class AccountServices:
    """The services and what they are made of. The time is an argument of each call."""

    settings: Settings
    db: Database
    tokens: Tokens
    hasher: PasswordHasher
    accounts: AccountService
    authenticator: Authenticator
    admin: AdminService
    rooms: RoomService

    @classmethod
    def make(cls, folder: Path, **changes: Any) -> Self:
        """Create the services on a migrated SQLite file in `folder`, or on the migrated database of a `database_url`.

        `changes` are settings.
        """
        settings = Settings(**{"state_dir": folder, **changes})
        url = settings.database.get_secret_value()
        if settings.database_url is None and not (folder / DATABASE_FILE).exists():
            shutil.copyfile(_migrated_file(), folder / DATABASE_FILE)
        db = Database(create_engine(url))
        tokens = Tokens(LiveKeyRing(folder / "keys"), access_seconds=settings.access_token_seconds)
        hasher = PasswordHasher(memory_kib=64)
        vault = open_vault(folder / "keys")
        slowdown = LoginSlowdown(LoginWindows(None), vault.pseudonym, settings)
        return cls(
            settings,
            db,
            tokens,
            hasher,
            AccountService(db, tokens, hasher, SecondFactorService(db, vault), slowdown, settings),
            Authenticator(db, tokens, admins_need_second_factor=settings.admins_need_second_factor),
            AdminService(db, tokens.issue_api, hasher),
            RoomService(db),
        )

    def with_settings(self, **changes: Any) -> Self:
        """Return services on the same database and state with other settings, like a second server."""
        return self.make(self.settings.state_dir, **{"database_url": self.settings.database, **changes})

    def register(self, name: str = "ann", *, invite: str | None = None, now: float = NOW) -> str:
        """Register a member and return the id."""
        return self.accounts.register(name, PASSWORD, invite=invite, address="test", now=now).id

    def login(self, name: str = "ann", password: str = PASSWORD, *, now: float = NOW) -> SessionTokens:
        return self.accounts.login(name, password, client="test", address="test", now=now)

    def refresh(self, refresh_token: str, *, now: float = NOW) -> SessionTokens:
        return self.accounts.sessions.refresh(refresh_token, address="test", now=now)

    def authenticate(self, token: str, *, now: float = NOW) -> Principal:
        return self.authenticator.authenticate(token, now)


def concurrently(count: int, action: Callable[[], Any]) -> list[Any]:
    """Call `action` in `count` threads at the same moment. Return the results and exceptions."""
    barrier = threading.Barrier(count)

    def run() -> Any:
        barrier.wait()
        try:
            return action()
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(count)]]
