"""The store of config/aws/cloudchat-cluster.yaml, as far as can be tried here: cluster mode, one shard, no CONFIG."""

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
    """Of a store in cluster mode, which has all slots, for a user with the rights that the template gives."""
    rights = load("cloudchat-cluster.yaml")["Resources"]["MemoryDbUser"]["Properties"]["AccessString"]
    with RunningStore(settings={"cluster-enabled": "yes", "cluster-port": str(free_port())}) as store:
        with redis.Redis(port=store.port) as administrator:
            administrator.execute_command("ACL SETUSER", "cloudchat", f">{PASSWORD}", *rights.split())
            administrator.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: administrator.cluster("info")["cluster_state"] == "ok", "the cluster is whole")
        yield f"redis://cloudchat:{PASSWORD}@127.0.0.1:{store.port}/0"


def test_two_machines_chat_over_a_store_in_cluster_mode(url: str, tmp_path: Path) -> None:
    shared = {"CLOUDCHAT_REDIS_URL": url, "CLOUDCHAT_DATABASE_URL": f"sqlite:///{tmp_path}/shared.db"}
    with RunningServer(environment=shared) as one:
        # The same keys, as cluster_keys sees to.
        (tmp_path / "two").mkdir(mode=0o700)
        (one.state_dir / "keys").rename(tmp_path / "two" / "keys")
        (one.state_dir / "keys").symlink_to(tmp_path / "two" / "keys")
        with RunningServer(environment=shared, state_dir=tmp_path / "two") as two:
            ada, grace = register(one.url, "ada"), register(two.url, "grace")
            with ChatSocket(one.ws_url, ada.access_token) as here, ChatSocket(two.ws_url, grace.access_token) as there:
                here.join()
                there.join()
                assert here.send("across machines")["type"] == "ack"
                heard = there.wait_for(lambda frame: frame.get("text") == "across machines")
                assert heard["user"]["name"] == "ada"
            # A token of one machine is good on the other.
            with ChatSocket(two.ws_url, ada.access_token) as moved:
                moved.join()
                assert moved.send("from the other machine")["type"] == "ack"
            assert httpx.get(f"{two.url}/readyz", verify=False).status_code == 200
