"""An embedded store that runs for a while without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudchat.broker.embedded.binary import find_server_binary
from cloudchat.broker.embedded.server import EmbeddedServer


@contextmanager
def temporary_store(folder: Path) -> Iterator[str]:
    """Run the store of this folder for a block; gives its URL. Raises StoreStartError when a server does, OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    store = EmbeddedServer(folder, find_server_binary())
    store.start()
    try:
        yield store.url
    finally:
        store.stop()
