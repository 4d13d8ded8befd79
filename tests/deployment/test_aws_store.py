"""A store like that of config/aws/cloudchat-cluster.yaml: cluster mode with one shard, and a user without CONFIG."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from support.accounts import register
from support.cloudformation import load
from support.processes import wait_until
from support.server import RunningServer, free_port
from support.socket import ChatSocket
from support.stores import RunningStore

PASSWORD = "letters4nd1digits2alone"


@pytest.fixture
def url() -> Iterator[str]:
    """The URL of a store in cluster mode, for a user with the permissions of the template."""
    permissions = load("cloudchat-cluster.yaml")["Resources"]["MemoryDbUser"]["Properties"]["AccessString"]
    with RunningStore(settings={"cluster-enabled": "yes", "cluster-port": str(free_port())}) as store:
        with redis.Redis(port=store.port) as administrator:
            administrator.execute_command("ACL SETUSER", "cloudchat", f">{PASSWORD}", *permissions.split())
            administrator.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: administrator.cluster("info")["cluster_state"] == "ok", "the cluster serves all slots")
        yield f"redis://cloudchat:{PASSWORD}@127.0.0.1:{store.port}/0"


def test_two_servers_share_a_store_in_cluster_mode(url: str, tmp_path: Path) -> None:
    shared = {"CLOUDCHAT_REDIS_URL": url, "CLOUDCHAT_DATABASE_URL": f"sqlite:///{tmp_path}/shared.db"}
    with RunningServer(environment=shared) as one:
        # Both servers use the same keys, as with cluster_keys.
        (tmp_path / "two").mkdir(mode=0o700)
        (one.state_dir / "keys").rename(tmp_path / "two" / "keys")
        (one.state_dir / "keys").symlink_to(tmp_path / "two" / "keys")
        with RunningServer(environment=shared, state_dir=tmp_path / "two") as two:
            ada, grace = register(one.url, "ada"), register(two.url, "grace")
            with ChatSocket(one.ws_url, ada.access_token) as here, ChatSocket(two.ws_url, grace.access_token) as there:
                here.join()
                there.join()
                assert here.send("across machines")["type"] == "ack"
                event = there.wait_for(lambda frame: frame.get("text") == "across machines")
                assert event["user"]["name"] == "ada"
            # Each server accepts tokens of the other one.
            with ChatSocket(two.ws_url, ada.access_token) as moved:
                moved.join()
                assert moved.send("from the other machine")["type"] == "ack"
            assert httpx.get(f"{two.url}/readyz", verify=False).status_code == 200
