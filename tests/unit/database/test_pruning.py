"""Pruning: what has been dead for long goes, in small steps, and nothing that lives goes with it."""

import pytest
from sqlalchemy import func, select

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.auth.errors import BadToken
from cloudchat.database.models import ApiToken, AuditEntry, Invite, LoginSession, Model, RefreshToken
from cloudchat.database.pruning import BATCH, prune
from support.account_services import NOW, AccountServices
from support.databases import on_both

DAY = 86400.0
KEPT = 365 * DAY
TABLES: tuple[type[Model], ...] = (AuditEntry, LoginSession, RefreshToken, Invite, ApiToken)


def rows(services: AccountServices) -> dict[str, int]:
    with services.db.read() as db:
        return {table.__tablename__: db.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES}


def a_history(services: AccountServices) -> None:
    """A user, two invites, two tokens, two sessions; of each pair one is ended at once, and one lives for some days."""
    services.register()
    left, stayed = services.login(), services.login()
    services.accounts.sessions.end_by_refresh_token(left.refresh_token, address="", now=NOW)
    services.refresh(stayed.refresh_token)
    for seconds in (60, 80 * 86400):
        services.admin.invites.create(seconds, actor=COMMAND_LINE, now=NOW)
        services.admin.tokens.issue("ann", {"chat:read"}, seconds, label="", actor=COMMAND_LINE, now=NOW)


@on_both
def test_what_is_dead_for_longer_than_it_is_kept_goes(services: AccountServices) -> None:
    a_history(services)
    before = rows(services)
    assert sum(prune(services.db, NOW + KEPT - 1, KEPT)) == 0
    assert rows(services) == before

    assert sum(prune(services.db, NOW + KEPT + 61, KEPT)) == before["audit_log"] + 4
    assert rows(services) == {"audit_log": 1, "sessions": 1, "refresh_tokens": 2, "invites": 1, "api_tokens": 1}
    (told,) = services.admin.audit_log(None, 10)
    assert (told.actor, told.action) == ("server", "audit.prune")

    list(prune(services.db, NOW + KEPT + 100 * DAY, KEPT))
    assert rows(services) == {"audit_log": 1, "sessions": 0, "refresh_tokens": 0, "invites": 0, "api_tokens": 0}


def test_a_session_that_lives_longer_than_logs_are_kept_keeps_its_tokens(services: AccountServices) -> None:
    services = services.with_settings(refresh_idle_seconds=400 * 86400, refresh_absolute_seconds=400 * 86400)
    services.register()
    signed_in = services.login()
    first = services.refresh(signed_in.refresh_token)
    list(prune(services.db, NOW + 399 * DAY, 30 * DAY))
    with pytest.raises(BadToken):  # still known as a copy
        services.refresh(signed_in.refresh_token, now=NOW + 399 * DAY)
    with pytest.raises(BadToken):
        services.authenticate(first.access_token)


@on_both
def test_many_go_in_small_steps(services: AccountServices) -> None:
    with services.db.write() as db:
        db.add_all(
            AuditEntry(id=f"entry-{number}", at=NOW, actor="cli", action="x", target="", address="", detail="")
            for number in range(2 * BATCH + 1)
        )
    steps = list(prune(services.db, NOW + KEPT + 1, KEPT))
    assert max(steps) == BATCH
    assert sum(steps) == 2 * BATCH + 1
