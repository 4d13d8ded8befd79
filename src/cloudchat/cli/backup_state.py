"""What backup and restore find: the state folder, its store, and what can be wrong with either."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError
from cloudchat.cli.state_folder import lock_state_folder, prepare_state_folder

if TYPE_CHECKING:
    from cloudchat.settings import Settings


def settings_of_state(*, must_be_there: bool = False) -> "Settings":
    """The settings, with the state folder's real place. Raises CommandError."""
    from cloudchat.cli.environment import load_settings

    settings = load_settings()
    if must_be_there and not settings.state_dir.is_dir():
        raise CommandError(f"there is no state folder {settings.state_dir}: set CLOUDCHAT_STATE_DIR to the server's")
    return settings.model_copy(update={"state_dir": prepare_state_folder(settings.state_dir)})


def store_at_hand(settings: "Settings", running: ExitStack) -> str:
    """The store that is there: one's own, a running server's, or the embedded one, started for as long as it takes."""
    from cloudchat.backup.temporary_store import temporary_store
    from cloudchat.broker.embedded.data_dir_lock import socket_path

    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    folder = settings.state_dir / "store"
    try:
        lock = lock_state_folder(settings.state_dir, half_restored=True)
    except CommandError:  # a server runs
        return f"unix://{socket_path(folder)}"
    running.callback(os.close, lock)
    return running.enter_context(temporary_store(folder))


@contextmanager
def explained(state_of_affairs: str) -> Iterator[None]:
    """Whatever can go wrong becomes a CommandError that says how things stand now."""
    from cloudchat.backup.manifest import BadBackup
    from cloudchat.broker.broker import BrokerUnavailable
    from cloudchat.broker.embedded.server import StoreStartError
    from cloudchat.database.migrations import MigrationError
    from cloudchat.database.transactions import DatabaseUnavailable
    from cloudchat.database.transfer import CopyFailed
    from cloudchat.database.urls import DatabaseUrlError

    try:
        yield
    except BrokerUnavailable as error:
        raise CommandError(f"the store failed ({error}); {state_of_affairs}") from error
    except (BadBackup, CopyFailed, MigrationError, StoreStartError, DatabaseUrlError, DatabaseUnavailable) as error:
        raise CommandError(f"{error}; {state_of_affairs}") from error
    except OSError as error:
        raise CommandError(f"{error.strerror or error} ({error.filename}); {state_of_affairs}") from error
