"""Settings from the environment: priorities, error messages, and what workers load."""

from pathlib import Path

import pytest

from cloudchat.cli.environment import export, load_settings
from cloudchat.cli.errors import CommandError
from cloudchat.settings import Settings

EXAMPLE = Path(__file__).parents[3] / "config" / "cloudchat.env.example"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        # Set before it is deleted, so that monkeypatch also removes what `export` writes.
        monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", "")
        monkeypatch.delenv(f"CLOUDCHAT_{name.upper()}")


def test_an_option_has_priority_over_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDCHAT_PORT", "1234")
    assert load_settings(port=None).port == 1234
    assert load_settings(port=4321).port == 4321


def test_the_error_has_every_mistake_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDCHAT_PORT", "99999")
    monkeypatch.setenv("CLOUDCHAT_REGISTRATION", "maybe")
    with pytest.raises(CommandError) as rejected:
        load_settings()
    line = str(rejected.value)
    assert "\n" not in line
    assert "CLOUDCHAT_PORT: input should be less than or equal to 65535" in line
    assert "CLOUDCHAT_REGISTRATION: input should be 'open', 'invite' or 'closed'" in line


def test_the_error_contains_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDCHAT_REDIS_URL", "redis://:tell-nobody@host")
    monkeypatch.setenv("CLOUDCHAT_PORT", "none")
    with pytest.raises(CommandError) as rejected:
        load_settings()
    assert "tell-nobody" not in str(rejected.value)


@pytest.mark.parametrize("name", ["CLOUDCHAT_OUTBOX_BYTES", "cloudchat_outbox_bytes"])
def test_the_old_name_of_a_setting_is_rejected_with_the_new_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1048576")
    with pytest.raises(CommandError, match=f"{name} has been renamed to CLOUDCHAT_SEND_BUFFER_BYTES"):
        load_settings()


@pytest.mark.parametrize("name", ["CLOUDCHAT_STATEDIR", "CLOUDCHAT_STAT_DIR", "CLOUDCHAT_STATE_DIRECTORY"])
def test_a_misspelt_variable_causes_a_warning_with_the_right_name(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "x")
    load_settings()
    warning = capsys.readouterr().err
    assert name in warning
    assert "CLOUDCHAT_STATE_DIR?" in warning


def test_known_variables_cause_no_warning(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CLOUDCHAT_SENDS_PER_10S", "5")
    load_settings()
    assert capsys.readouterr().err == ""


def test_a_worker_loads_what_was_exported(tmp_path: Path) -> None:
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


def test_the_example_has_every_setting_with_its_default() -> None:
    lines = [line[1:] for line in EXAMPLE.read_text().splitlines() if line.startswith("#CLOUDCHAT_")]
    values = dict(line.split("=", 1) for line in lines)
    assert set(values) == {f"CLOUDCHAT_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, str | int | float):
            assert values[f"CLOUDCHAT_{name.upper()}"] == str(field.default)
