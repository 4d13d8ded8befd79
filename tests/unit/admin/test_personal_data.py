"""`PersonalDataService`: the account is erased in one transaction, and the export has everything."""

import pytest

from cloudchat.admin.actor import COMMAND_LINE
from cloudchat.admin.personal_data.service import ERASED_NAME
from cloudchat.auth.errors import AccountError, Conflict, NotFound
from cloudchat.auth.repository import add_user, use_invite
from cloudchat.auth.tokens.opaque_tokens import hash_token
from support.account_services import NOW, PASSWORD, AccountServices
from support.archived_rooms import ArchivedRoom
from support.databases import on_both

pytestmark = on_both


def add_admin(services: AccountServices, name: str) -> str:
    with services.db.write() as db:
        return add_user(db, name=name, password_hash=None, role="admin", now=NOW).id


def erase(services: AccountServices, user_id: str) -> str:
    return services.admin.personal_data.order_erasure(user_id, actor=COMMAND_LINE, now=NOW + 1)


def parts_of(services: AccountServices, user_id: str) -> dict[str, object]:
    export = services.admin.personal_data.export(user_id)
    return {name: content if isinstance(content, dict) else list(content) for name, content in export}


def test_an_erased_account_has_no_access_and_no_data(services: AccountServices) -> None:
    ann = services.register("ann")
    session = services.login("ann")
    name = erase(services, ann)
    assert name.startswith(ERASED_NAME)
    with pytest.raises(AccountError):
        services.authenticate(session.access_token, now=NOW + 2)
    with pytest.raises(AccountError):
        services.login("ann", PASSWORD, now=NOW + 2)
    left = parts_of(services, ann)
    assert (left["sessions"], left["api_tokens"], left["read_positions"]) == ([], [], [])
    account = left["account"]
    assert isinstance(account, dict)
    assert (account["name"], account["role"]) == (name, "member")
    assert services.register("ann") != ann  # the name is free again


def test_the_label_of_a_used_invite_is_exported_and_erased(services: AccountServices) -> None:
    issued = services.admin.invites.create(60, label="Ann, from the choir", actor=COMMAND_LINE, now=NOW)
    ann = services.register("ann")
    token_hash = hash_token(issued.invite)
    assert token_hash is not None
    with services.db.write() as db:
        assert use_invite(db, token_hash, user_id=ann, now=NOW)
    exported = parts_of(services, ann)["invites"]
    assert isinstance(exported, list)
    assert [invite["label"] for invite in exported] == ["Ann, from the choir"]
    erase(services, ann)
    assert [invite.label for invite in services.admin.invites.list()] == [""]


def test_an_account_is_erased_once_and_the_last_administrator_never(services: AccountServices) -> None:
    admin = add_admin(services, "root1")
    with pytest.raises(Conflict, match="last administrator"):
        erase(services, admin)
    add_admin(services, "root2")
    erase(services, admin)
    with pytest.raises(Conflict, match="erased already"):
        erase(services, admin)
    with pytest.raises(NotFound):
        erase(services, "nobody")


def test_the_audit_log_keeps_the_act_without_the_name(services: AccountServices) -> None:
    ann = services.register("ann")
    name = erase(services, ann)
    entry = services.admin.audit_log(None, 1)[0]
    assert (entry.action, entry.target, entry.target_name) == ("user.erase", ann, name)
    assert "ann" not in entry.detail


def test_the_export_has_messages_with_earlier_texts_and_no_secret(services: AccountServices) -> None:
    ann = services.register("ann")
    services.login("ann")
    lobby = ArchivedRoom(services.db, "lobby")
    for seq in range(1, 503):  # more than a page
        lobby.add(seq, NOW + seq, ann, f"text {seq}", cid=f"c{seq}")
    lobby.add_earlier_text(7, NOW, "a typo")
    lobby.react(3, ann, "🎉")
    lobby.add(600, NOW, "somebody else", "not hers")
    parts = parts_of(services, ann)
    messages = parts["messages"]
    assert isinstance(messages, list)
    assert [message["text"] for message in messages] == [f"text {seq}" for seq in range(1, 503)]
    assert messages[6]["earlier_texts"] == [{"at": "2027-01-15T08:00:00.000Z", "text": "a typo"}]
    assert parts["reactions"] == [{"room": "lobby", "seq": 3, "emoji": "🎉"}]
    assert "hash" not in str(parts)
    assert "argon2" not in str(parts)
    sessions = parts["sessions"]
    assert isinstance(sessions, list)
    assert len(sessions) == 1
