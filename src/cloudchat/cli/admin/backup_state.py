"""What backup and restore share: a reachable store, and error messages."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError

if TYPE_CHECKING:
    from cloudchat.settings import Settings


def reachable_store(settings: "Settings", running: ExitStack) -> str:
    """Return the URL of the configured store or of a running server's store, else start the embedded one."""
    from cloudchat.backup.installation import temporary_store
    from cloudchat.broker.embedded.data_dir_lock import socket_path, socket_url
    from cloudchat.cli.state_folder import lock_state_folder

    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    folder = settings.state_dir / "store"
    try:
        lock = lock_state_folder(settings.state_dir, allow_half_restored=True)
    except CommandError:  # a server runs
        return socket_url(socket_path(folder))
    running.callback(os.close, lock)
    return running.enter_context(temporary_store(folder))


@contextmanager
def command_errors(consequence: str) -> Iterator[None]:
    """Convert every expected error to a CommandError that ends with `consequence`: what was changed."""
    from cloudchat.backup.manifest import BadBackup
    from cloudchat.broker.connections import BrokerUnavailable
    from cloudchat.broker.embedded import StoreStartError
    from cloudchat.database.copies.transfer import CopyFailed
    from cloudchat.database.migrations import MigrationError
    from cloudchat.database.transactions import DatabaseUnavailable
    from cloudchat.database.urls import DatabaseUrlError

    try:
        yield
    except BrokerUnavailable as error:
        raise CommandError(f"the store failed ({error}); {consequence}") from error
    except (BadBackup, CopyFailed, MigrationError, StoreStartError, DatabaseUrlError, DatabaseUnavailable) as error:
        raise CommandError(f"{error}; {consequence}") from error
    except OSError as error:
        raise CommandError(f"{error.strerror or error} ({error.filename}); {consequence}") from error
