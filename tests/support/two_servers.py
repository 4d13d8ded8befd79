"""Two servers, as on two machines, that share the store, the database and the keys."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from support.server import RunningServer
from support.stores import RunningStore, store_binaries


@contextmanager
def two_servers(environment: Mapping[str, str]) -> Iterator[tuple[RunningStore, RunningServer, RunningServer]]:
    """Run the store and both servers, with these settings."""
    with ExitStack() as running:
        store = running.enter_context(RunningStore(store_binaries().get("system-redis-server")))
        shared = {**environment, "CLOUDCHAT_REDIS_URL": store.url}
        shared["CLOUDCHAT_DATABASE_URL"] = f"sqlite:///{store.folder}/accounts.db"
        one = running.enter_context(RunningServer(environment=shared))
        two = RunningServer(environment=shared)
        two.state_dir.mkdir(mode=0o700, parents=True)
        shutil.copytree(one.state_dir / "keys", two.state_dir / "keys")
        yield store, one, running.enter_context(two)
