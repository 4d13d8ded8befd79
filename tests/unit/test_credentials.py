"""Secret settings from the files in $CREDENTIALS_DIRECTORY."""

from pathlib import Path

import pytest

from cloudchat.cli.environment import export, load_settings
from cloudchat.cli.errors import CommandError
from cloudchat.settings import Settings

SECRET = "redis://cloudchat:hush@host:6379/0"


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in Settings.model_fields:
        # Set before it is deleted, so that monkeypatch also removes what `export` writes.
        monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", "")
        monkeypatch.delenv(f"CLOUDCHAT_{name.upper()}")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path


def test_a_setting_is_read_from_its_file(credentials: Path) -> None:
    (credentials / "cloudchat_redis_url").write_text(f"{SECRET}\n")
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == SECRET
    assert settings.database_url is None


def test_the_environment_has_priority_so_that_workers_agree_with_their_parent(
    credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (credentials / "cloudchat_redis_url").write_text(SECRET)
    monkeypatch.setenv("CLOUDCHAT_REDIS_URL", "redis://other")
    settings = load_settings()
    (credentials / "cloudchat_redis_url").write_text("redis://changed meanwhile")
    export(settings)
    loaded_by_worker = Settings()
    assert loaded_by_worker.redis_url is not None
    assert loaded_by_worker.redis_url.get_secret_value() == "redis://other"


def test_an_empty_file_is_ignored(credentials: Path) -> None:
    (credentials / "cloudchat_database_url").write_text("\n")
    assert load_settings().database_url is None


def test_credentials_of_other_services_are_ignored(credentials: Path) -> None:
    (credentials / "redis_url").write_text(SECRET)
    assert load_settings().redis_url is None


def test_the_error_names_an_unreadable_file(credentials: Path) -> None:
    (credentials / "cloudchat_redis_url").mkdir()  # which root cannot read either
    with pytest.raises(CommandError, match="cloudchat_redis_url"):
        load_settings()


def test_the_error_names_a_file_that_is_not_text_and_does_not_repeat_it(credentials: Path) -> None:
    (credentials / "cloudchat_redis_url").write_bytes(b"hush\xff\xfe")
    with pytest.raises(CommandError, match="cloudchat_redis_url") as rejected:
        load_settings()
    assert "hush" not in str(rejected.value)


def test_the_error_names_a_missing_folder(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials / "nowhere"))
    with pytest.raises(CommandError, match="nowhere"):
        load_settings()
