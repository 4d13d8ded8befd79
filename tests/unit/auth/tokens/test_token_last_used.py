"""The last use of an API token, with one write per hour."""

from pathlib import Path

from cloudchat.admin.actor import COMMAND_LINE
from support.account_services import NOW, AccountServices


def used_at(services: AccountServices) -> float | None:
    (token,) = services.admin.tokens.list()
    return token.last_used_at


def test_use_is_stored_once_per_hour(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    services.register()
    issued = services.admin.tokens.issue("ann", {"chat:read"}, 86400, label="", actor=COMMAND_LINE, now=NOW)
    assert used_at(services) is None

    def use(now: float) -> None:
        """Authenticate in a separate process, whose close() writes pending uses."""
        other = AccountServices.make(tmp_path)
        other.authenticate(issued.token, now=now)
        other.authenticator.close()

    use(NOW + 1)
    assert used_at(services) == NOW + 1
    use(NOW + 3599)
    assert used_at(services) == NOW + 1
    use(NOW + 3601)
    assert used_at(services) == NOW + 3601


def test_locked_database_does_not_delay_authentication(tmp_path: Path) -> None:
    services = AccountServices.make(tmp_path)
    services.register()
    issued = services.admin.tokens.issue("ann", {"chat:read"}, 86400, label="", actor=COMMAND_LINE, now=NOW)
    with services.db.write():  # this block holds the only write lock
        assert services.authenticate(issued.token).kind == "api"
    services.authenticator.close()
    assert used_at(services) == NOW
