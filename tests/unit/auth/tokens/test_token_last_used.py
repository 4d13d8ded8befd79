"""When an API token was last used: known to the hour, at the price of one write an hour."""

from pathlib import Path

from cloudchat.admin.actor import COMMAND_LINE
from support.account_services import NOW, AccountServices


def used_at(services: AccountServices) -> float | None:
    (token,) = services.admin.tokens.list()
    return token.last_used_at


def test_uses_are_written_down_once_an_hour(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    services.register()
    issued = services.admin.tokens.issue("ann", {"chat:read"}, 86400, label="", actor=COMMAND_LINE, now=NOW)
    assert used_at(services) is None

    def use(now: float) -> None:
        """By a process that ends at once, and so writes what it has to write."""
        again = AccountServices.make(tmp_path)
        again.authenticate(issued.token, now=now)
        again.accounts.close()

    use(NOW + 1)
    assert used_at(services) == NOW + 1
    use(NOW + 3599)
    assert used_at(services) == NOW + 1
    use(NOW + 3601)
    assert used_at(services) == NOW + 3601


def test_a_locked_database_does_not_keep_the_request_waiting(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    services.register()
    issued = services.admin.tokens.issue("ann", {"chat:read"}, 86400, label="", actor=COMMAND_LINE, now=NOW)
    with services.db.write():  # somebody else holds the only write lock for as long as this block
        assert services.authenticate(issued.token).kind == "api"
    services.accounts.close()
    assert used_at(services) == NOW
