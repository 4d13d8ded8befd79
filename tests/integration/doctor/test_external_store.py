"""An external store at CLOUDCHAT_REDIS_URL: the packaged Valkey and the distribution's Redis."""

import re
from pathlib import Path

import httpx
import pytest

from support.accounts import register
from support.server import RunningServer
from support.socket import ChatSocket
from support.stores import RunningStore, store_binaries

every_store = pytest.mark.parametrize("binary", store_binaries().values(), ids=store_binaries().keys())


@every_store
def test_store_with_special_characters_in_its_password_works_and_is_not_logged(binary: Path) -> None:
    with RunningStore(binary, password="p@ss:w/rd%#?") as store:
        url = store.url.replace(store.password, "p%40ss%3Aw%2Frd%25%23%3F")
        with RunningServer(environment={"CLOUDCHAT_REDIS_URL": url}) as server:
            assert "warning" not in server.log
            account = register(server.url)
            with ChatSocket(server.ws_url, account.access_token) as chat:
                chat.join()
                assert chat.send("hello")["type"] == "ack"
                assert chat.wait_for("message")["text"] == "hello"
            assert server.terminate() == 0
            assert store.password not in server.log
            assert not (server.state_dir / "store" / "appendonlydir").exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "allkeys-lru"),
        ("stream-node-max-bytes", "0"),
    ],
)
def test_weak_store_setting_gives_a_warning_and_the_server_starts(setting: str, value: str) -> None:
    with (
        RunningStore(settings={setting: value}) as store,
        RunningServer(environment={"CLOUDCHAT_REDIS_URL": store.url}) as server,
    ):
        warnings = re.findall(r"^cloudchat: warning: .*", server.log, re.MULTILINE)
        assert len(warnings) == 1
        assert f"{setting} '{value}'" in warnings[0]


@every_store
def test_example_configuration_suffices_for_its_restricted_user(binary: Path, tmp_path: Path) -> None:
    example = (Path(__file__).parents[3] / "config" / "redis" / "cloudchat.conf").read_text()
    enabled = "\n".join(re.sub(r"^#(user )", r"\1", line) for line in example.splitlines())
    config = tmp_path / "cloudchat.conf"
    config.write_text(enabled.replace("CHANGE-ME", "secret"))
    with RunningStore(binary, config_file=config) as store:
        url = f"redis://cloudchat:secret@127.0.0.1:{store.port}/0"
        with RunningServer(environment={"CLOUDCHAT_REDIS_URL": url}) as server:
            assert "warning" not in server.log.lower()
            account = register(server.url)
            with ChatSocket(server.ws_url, account.access_token) as chat:
                chat.join()
                assert chat.send("hello")["type"] == "ack"
            assert httpx.get(f"{server.url}/readyz").status_code == 200
