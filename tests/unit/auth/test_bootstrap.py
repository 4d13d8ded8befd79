"""The first start creates one administrator and returns the one-time password once."""

from pathlib import Path

import pytest

from cloudchat.auth.bootstrap import bootstrap
from cloudchat.auth.errors import NameTaken
from support.account_services import NOW, AccountServices, concurrently
from support.databases import on_both

NEW_PASSWORD = "seven slow rivers bend"


def test_first_administrator_has_no_scopes_until_the_password_is_changed(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    password = bootstrap(services.settings)
    assert password is not None
    signed_in = services.login("admin", password)
    assert signed_in.user.must_change_password
    principal = services.authenticate(signed_in.access_token)
    assert principal.role == "admin"
    assert principal.scopes == frozenset()

    services.accounts.change_password(principal, password, NEW_PASSWORD, address="test", now=NOW)
    assert services.authenticate(signed_in.access_token).scopes == {"chat:read", "chat:write", "admin"}
    assert not services.login("admin", NEW_PASSWORD).user.must_change_password


def test_second_start_returns_no_password(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    assert bootstrap(services.settings)
    assert bootstrap(services.settings) is None


def test_no_administrator_is_created_if_there_are_users(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    services.register()
    assert bootstrap(services.settings) is None


@on_both
def test_one_of_several_concurrent_starts_returns_the_password(services: AccountServices) -> None:
    returned = concurrently(4, lambda: bootstrap(services.settings))
    assert sorted(isinstance(password, str) for password in returned) == [False, False, False, True]


@pytest.mark.parametrize("name", ["admin", "ADMIN", "root"])
def test_registration_with_a_reserved_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NameTaken):
        AccountServices.make(tmp_path).register(name)
