"""Two instances of cloudchat behind nginx: a browser stays on one instance, and nothing is lost when one is killed."""

import json
import shutil
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from support.nginx import DOMAIN, ORIGIN, RunningNginx
from support.processes import wait_until
from support.server import RunningServer, free_port
from support.site import SITES, register_at, trusted_certificate
from support.stores import RunningStore, store_binaries

ACKS = 50
COOKIE = "__Host-cloudchat-route"


@dataclass
class Cluster:
    nginx: RunningNginx
    trust: ssl.SSLContext
    instances: list[RunningServer]

    def instance_of(self, cookie: str | None, source: str) -> tuple[str, str | None]:
        """Return the instance that answers a request with this cookie, and the cookie that the response sets."""
        before = self.nginx.access_log.count("\n")
        http = self.nginx.browser_like(self.trust, source)
        response = http.get("/api/me", headers={"Cookie": f"{COOKIE}={cookie}"} if cookie else {})
        assert response.status_code == 401
        wait_until(lambda: self.nginx.access_log.count("\n") > before, "nginx logs the request")
        line = json.loads(self.nginx.access_log.splitlines()[before])
        return str(line["instance"]).split(", ")[-1], response.cookies.get(COOKIE)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two instances with one Redis, one database and the same keys; each has its own state directory."""
    ports = [free_port(), free_port()]
    with ExitStack() as running:
        store = running.enter_context(RunningStore(store_binaries().get("system-redis-server")))
        environment = {
            **ENVIRONMENT,
            "CLOUDCHAT_REDIS_URL": store.url,
            "CLOUDCHAT_DATABASE_URL": f"sqlite:///{store.folder}/accounts.db",
            "CLOUDCHAT_ALLOWED_ORIGINS": ORIGIN,
            "CLOUDCHAT_REGISTRATION": "open",
            "CLOUDCHAT_TRUSTED_PROXIES": "127.0.0.1",
        }
        one = running.enter_context(RunningServer(port=ports[0], environment=environment))
        two = RunningServer(port=ports[1], environment=environment)
        two.state_dir.mkdir(mode=0o700, parents=True)
        shutil.copytree(one.state_dir / "keys", two.state_dir / "keys")
        running.enter_context(two)
        nginx = running.enter_context(RunningNginx(instances=[f"127.0.0.1:{port}" for port in ports]))
        trust = trusted_certificate(nginx)
        nginx.start(*SITES)
        yield Cluster(nginx, trust, [one, two])


def test_cookie_keeps_a_browser_on_its_instance_unless_that_one_is_down(cluster: Cluster) -> None:
    cookies: dict[str, str] = {}
    for _ in range(50):  # each request goes to a random instance
        instance, cookie = cluster.instance_of(None, "127.0.3.1")
        assert cookie is not None
        cookies.setdefault(instance, cookie)
    assert set(cookies) == {f"127.0.0.1:{server.port}" for server in cluster.instances}
    for instance, cookie in cookies.items():
        for number in range(5):  # from any client address
            assert cluster.instance_of(cookie, f"127.0.3.{number + 2}") == (instance, None)
    for forged in ("short", "x" * 32, "0" * 4000):
        assert cluster.instance_of(forged, "127.0.3.1")[1] not in (None, forged)
    killed, other = (f"127.0.0.1:{server.port}" for server in cluster.instances)
    cluster.instances[0].kill()
    for _ in range(5):
        assert cluster.instance_of(cookies[killed], "127.0.3.1") == (other, None)
        assert cluster.instance_of(cookies[other], "127.0.3.1") == (other, None)
    cluster.instances[0].start()
    assert cluster.instance_of(cookies[killed], "127.0.3.1") == (killed, None)  # immediately


def test_clients_of_a_killed_instance_resume_at_the_other_without_a_gap(cluster: Cluster) -> None:
    one, two = cluster.instances
    accounts = [register_at(cluster.nginx, cluster.trust, name) for name in ("ann", "ben")]
    with Crowd(
        f"wss://{DOMAIN}/ws",
        accounts[0],
        others=accounts[1:],
        writers=4,
        readers=4,
        options=cluster.nginx.socket_options(cluster.trust),
    ) as crowd:
        crowd.wait_for_acks(ACKS)
        one.kill()
        crowd.wait_for_acks(ACKS)
        one.start()
        two.kill()
        crowd.wait_for_connections(2)
        crowd.wait_for_acks(ACKS)
        story = crowd.finish(one.ws_url)
    assert violations(story) == []
    lines = [json.loads(line) for line in cluster.nginx.access_log.splitlines()]
    assert {line["status"] for line in lines if line["path"] == "/ws"} == {101}, "a client was refused"
    statuses = [segment.status for segment in story.segments]
    assert statuses.count("fresh") == len(crowd.connections)
    assert statuses.count("recovered") >= len(crowd.connections)
