"""The first start: one administrator, one password, told once."""

from pathlib import Path

import pytest

from cloudchat.auth.bootstrap import bootstrap
from support.account_services import NOW, AccountServices, at_once
from support.databases import on_both

NEW_PASSWORD = "seven slow rivers bend"


def test_the_first_administrator_can_do_nothing_but_change_the_password(tmp_path: Path) -> None:
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


def test_a_second_start_tells_no_password(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    assert bootstrap(services.settings)
    assert bootstrap(services.settings) is None


def test_there_is_no_first_administrator_where_somebody_has_an_account(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    services.register()
    assert bootstrap(services.settings) is None


@on_both
def test_of_servers_that_start_at_once_one_tells_the_password(services: AccountServices) -> None:
    told = at_once(4, lambda: bootstrap(services.settings))
    assert sorted(isinstance(password, str) for password in told) == [False, False, False, True]


@pytest.mark.parametrize("name", ["admin", "ADMIN", "root"])
def test_a_stranger_can_not_take_a_name_of_authority(tmp_path: Path, name: str) -> None:
    from cloudchat.auth.errors import NameTaken

    with pytest.raises(NameTaken):
        AccountServices.make(tmp_path).register(name)
