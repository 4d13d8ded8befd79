"""Settings as people write them: normalised where the meaning is clear, else refused with the right form."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from cloudchat.cli.environment import export, load_settings
from cloudchat.cli.errors import CommandError
from cloudchat.settings import Settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        # Set before it is deleted, so that monkeypatch also removes what `export` writes.
        monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", "")
        monkeypatch.delenv(f"CLOUDCHAT_{name.upper()}")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("allowed_origins", '"https://Chat.Example.com:443/"', ("https://chat.example.com",)),
        ("allowed_origins", "https://a.example https://b.example", ("https://a.example", "https://b.example")),
        ("trusted_proxies", '"127.0.0.1 ::1"', ("127.0.0.1", "::1")),
        ("host", " 0.0.0.0 ", "0.0.0.0"),
        ("host", "[::1]", "::1"),
        ("host", "LocalHost", "localhost"),
        ("host", '""', "127.0.0.1"),
        ("host", "/run/Chat/chat.sock", "/run/Chat/chat.sock"),
        ("port", '"8520"', 8520),
        ("port", "' '", 8000),
        ("registration", " 'closed'", "closed"),
        ("require_admin_2fa", '"false"', False),
        ("metrics_port", '""', None),
        ("login_rate", '"60 per minute"', "60/minute"),
        ("login_failures_per_client", "5/min, 20/hour", "5/minute;20/hour"),
        ("state_dir", '"/srv/chat"', Path("/srv/chat")),
        ("state_dir", '/srv/"chat"', Path('/srv/"chat"')),
        ("state_dir", "/srv/chat ", Path("/srv/chat ")),
        ("state_dir", "'x'", Path("'x'")),
        ("state_dir", "~/chat", Path.home() / "chat"),
    ],
)
def test_a_clear_value_is_normalised(monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object) -> None:
    monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", text)
    assert getattr(load_settings(), name) == value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("redis_url", ' "redis://10.0.0.5:6379/0" ', "redis://10.0.0.5:6379/0"),
        ("redis_url", "valkey://10.0.0.5", "redis://10.0.0.5"),
        ("redis_url", "VALKEYS://ann:Secret@10.0.0.5", "rediss://ann:Secret@10.0.0.5"),
        ("database_url", "postgres://ann:Secret@db/Chat", "postgresql://ann:Secret@db/Chat"),
        ("database_url", "'PostgreSQL://db/chat'", "postgresql://db/chat"),
    ],
)
def test_a_clear_url_is_normalised(monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: str) -> None:
    monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", text)
    found = getattr(load_settings(), name)
    assert isinstance(found, SecretStr)
    assert found.get_secret_value() == value


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("allowed_origins", "chat.example.com", "write https://chat.example.com"),
        ("allowed_origins", "https://chat.example.com/chat", "write https://chat.example.com"),
        ("allowed_origins", "https://a.example,*", "list each origin"),
        ("allowed_origins", "null", "list each origin"),
        ("trusted_proxies", "nginx", "write an address or a network"),
        ("host", "http://0.0.0.0:8000", "without http://"),
        ("login_rate", "60", "write 60/minute"),
        ("login_rate", "5/minute;20/hour", "write 60/minute"),
    ],
)
def test_an_unclear_value_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, advice: str
) -> None:
    monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", text)
    with pytest.raises(CommandError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"CLOUDCHAT_{name.upper()}: ")
    assert advice in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "alue error" not in str(refused.value)


def test_a_worker_loads_the_normalised_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOUDCHAT_ALLOWED_ORIGINS", "https://BÜCHER.example, http://[::1]:80")
    monkeypatch.setenv("CLOUDCHAT_HOST", "[::1]")
    settings = load_settings(state_dir=tmp_path / 'it\'s "here" ')
    export(settings)
    assert Settings() == settings.model_copy(update={"database_url": settings.database})


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("127.0.0.2", "http://127.0.0.2:8000"),
        ("127.0.0.2", "http://localhost:8000"),
        ("::1", "http://[::1]:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_on_loopback_the_address_that_it_listens_on_is_an_origin(host: str, origin: str) -> None:
    settings = Settings(host=host)
    assert origin in settings.origins
    assert not settings.publicly_reachable


def test_the_default_port_is_not_part_of_the_own_origin() -> None:
    assert "http://localhost" in Settings(port=80).origins


def per_minute(rate: str) -> int:
    count, _, unit = rate.partition("/")
    assert unit == "minute"
    return int(count)


def test_the_defaults_fit_an_office_behind_one_address() -> None:
    people, settings = 500, Settings()
    assert settings.sockets_per_address >= 3 * people
    assert settings.sockets_per_address <= settings.sockets_in_total / 10  # one address cannot take all
    assert per_minute(settings.connect_rate) >= 2 * people  # all reconnect within a minute after a restart
    assert per_minute(settings.refresh_rate) >= people
    assert per_minute(settings.account_rate) >= 4 * people
    assert per_minute(settings.login_rate) >= people / 5


def test_nginx_admits_what_cloudchat_admits_from_one_address() -> None:
    settings = Settings()
    sockets = (NGINX / "cloudchat" / "sockets.conf").read_text()
    rates = (NGINX / "cloudchat" / "rates.conf").read_text()
    assert int(re.findall(r"limit_conn cloudchat_sockets (\d+);", sockets)[0]) >= settings.sockets_per_address
    connects, requests = (int(re.findall(rf"zone={zone}:10m rate=(\d+)r/s", rates)[0]) for zone in ZONES)
    assert connects * 60 >= per_minute(settings.connect_rate)
    assert requests * 60 >= per_minute(settings.account_rate)


NGINX = Path(__file__).parents[2] / "config" / "nginx"
ZONES = ("cloudchat_connects", "cloudchat_requests")
