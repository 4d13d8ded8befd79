from pathlib import Path

import pytest

from cloudchat.cli.environment import export, load_settings
from cloudchat.cli.errors import CommandError
from cloudchat.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "config" / "cloudchat.env.example"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        # Set before it is deleted, so that what `export` writes is taken back too.
        monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", "")
        monkeypatch.delenv(f"CLOUDCHAT_{name.upper()}")


def test_an_option_comes_before_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDCHAT_PORT", "1234")
    assert load_settings(port=None).port == 1234
    assert load_settings(port=4321).port == 4321


def test_every_mistake_is_in_the_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDCHAT_PORT", "99999")
    monkeypatch.setenv("CLOUDCHAT_REGISTRATION", "maybe")
    with pytest.raises(CommandError) as refused:
        load_settings()
    line = str(refused.value)
    assert "\n" not in line
    assert "CLOUDCHAT_PORT: input should be less than or equal to 65535" in line
    assert "CLOUDCHAT_REGISTRATION: input should be 'open', 'invite' or 'closed'" in line


def test_no_mistake_repeats_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDCHAT_REDIS_URL", "redis://:tell-nobody@host")
    monkeypatch.setenv("CLOUDCHAT_PORT", "none")
    with pytest.raises(CommandError) as refused:
        load_settings()
    assert "tell-nobody" not in str(refused.value)


@pytest.mark.parametrize("name", ["CLOUDCHAT_STATEDIR", "CLOUDCHAT_STAT_DIR", "CLOUDCHAT_STATE_DIRECTORY"])
def test_a_misspelt_variable_is_named_with_its_neighbour(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "x")
    load_settings()
    told = capsys.readouterr().err
    assert name in told
    assert "CLOUDCHAT_STATE_DIR?" in told


def test_known_variables_are_not_warned_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOUDCHAT_SENDS_PER_10S", "5")
    load_settings()
    assert capsys.readouterr().err == ""


def test_what_was_exported_is_what_a_worker_loads(tmp_path: Path) -> None:
    settings = load_settings(
        state_dir=tmp_path,
        port=1234,
        redis_url="unix:///run/store.sock",
        allowed_origins="https://a.example, https://b.example",
        registration="closed",
    )
    export(settings)
    loaded = Settings()
    assert loaded == settings.model_copy(update={"database_url": settings.database})
    assert loaded.allowed_origins == ("https://a.example", "https://b.example")


def test_the_example_names_every_setting_with_its_default() -> None:
    lines = [line[1:] for line in EXAMPLE.read_text().splitlines() if line.startswith("#CLOUDCHAT_")]
    told = dict(line.split("=", 1) for line in lines)
    assert set(told) == {f"CLOUDCHAT_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, str | int | float):
            assert told[f"CLOUDCHAT_{name.upper()}"] == str(field.default)
