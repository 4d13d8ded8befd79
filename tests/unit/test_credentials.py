"""Secrets as systemd hands them over: files in $CREDENTIALS_DIRECTORY."""

from pathlib import Path

import pytest

from cloudchat.cli.environment import export, load_settings
from cloudchat.cli.errors import CommandError
from cloudchat.settings import Settings

SECRET = "redis://cloudchat:hush@host:6379/0"


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in Settings.model_fields:
        # Set before it is deleted, so that what `export` writes is taken back too.
        monkeypatch.setenv(f"CLOUDCHAT_{name.upper()}", "")
        monkeypatch.delenv(f"CLOUDCHAT_{name.upper()}")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path


def test_a_secret_comes_from_its_file(credentials: Path) -> None:
    (credentials / "cloudchat_redis_url").write_text(f"{SECRET}\n")
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == SECRET
    assert settings.database_url is None


def test_the_environment_comes_first_so_that_workers_agree_with_their_parent(
    credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (credentials / "cloudchat_redis_url").write_text(SECRET)
    monkeypatch.setenv("CLOUDCHAT_REDIS_URL", "redis://other")
    settings = load_settings()
    (credentials / "cloudchat_redis_url").write_text("redis://changed meanwhile")
    export(settings)
    again = Settings()
    assert again.redis_url is not None
    assert again.redis_url.get_secret_value() == "redis://other"


def test_an_empty_file_is_no_setting(credentials: Path) -> None:
    (credentials / "cloudchat_database_url").write_text("\n")
    assert load_settings().database_url is None


def test_other_services_credentials_are_none_of_ours(credentials: Path) -> None:
    (credentials / "redis_url").write_text(SECRET)
    assert load_settings().redis_url is None


def test_an_unreadable_one_is_named(credentials: Path) -> None:
    (credentials / "cloudchat_redis_url").mkdir()  # what root can't read either
    with pytest.raises(CommandError, match="cloudchat_redis_url"):
        load_settings()


def test_one_that_is_no_text_is_named_and_not_repeated(credentials: Path) -> None:
    (credentials / "cloudchat_redis_url").write_bytes(b"hush\xff\xfe")
    with pytest.raises(CommandError, match="cloudchat_redis_url") as refused:
        load_settings()
    assert "hush" not in str(refused.value)


def test_a_folder_that_is_not_there_is_named(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials / "nowhere"))
    with pytest.raises(CommandError, match="nowhere"):
        load_settings()
