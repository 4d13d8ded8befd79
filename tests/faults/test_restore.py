"""Everything is lost except a backup made while clients were sending. No client sees a wrong history."""

from pathlib import Path

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from faults.observations import SeenGap
from support.accounts import Account, login, register
from support.commands import admin, done
from support.server import RunningServer
from support.socket import ChatSocket

MIN_ACKS = 50


def register_bot(server: RunningServer) -> Account:
    """Register a user with an issued token. It belongs to no session, so it is valid after a restore, too."""
    account = register(server.url)
    scopes = "chat:read,chat:write"
    issued = admin(server.state_dir, "issue-token", account.name, "--scope", scopes, "--ttl", "1d")
    account.access_token = done(issued).strip()
    return account


def test_restore_brings_back_once_what_was_acknowledged_before_the_backup(tmp_path: Path) -> None:
    backup = tmp_path / "backup.tar"
    with RunningServer(environment=ENVIRONMENT) as server:
        bot, person = register_bot(server), register(server.url)
        with Crowd(server.ws_url, bot) as crowd:
            before = crowd.wait_for_acks(MIN_ACKS)
            done(admin(server.state_dir, "backup", backup))
            crowd.wait_for_acks(MIN_ACKS)
            server.kill()
            server.state_dir = tmp_path / "another machine"
            done(admin(server.state_dir, "restore", backup))
            server.start()
            crowd.wait_for_acks(MIN_ACKS)
            observed = crowd.finish()
        assert violations(observed, wiped=True, restored=True) == []
        for client, view in observed.views.items():
            assert sum(isinstance(item, SeenGap) for item in view) == 1, client

        acknowledged = [(send, send.ack) for send in observed.sends if send.ack]
        backed_up = sorted(acknowledged, key=lambda pair: pair[1].received_at)[:before]
        restored = {(event.epoch, event.seq, event.cid) for event in observed.log}
        assert {(ack.epoch, ack.seq, send.cid) for send, ack in backed_up} <= restored
        first, first_ack = backed_up[0]
        with ChatSocket(server.ws_url, bot.access_token) as socket:
            repeated = socket.send(first.text, cid=first.cid)
        assert (repeated["duplicate"], repeated["seq"]) == (True, first_ack.seq)

        assert person.http.get("/api/me").status_code == 401  # the session has ended, the account exists
        assert login(server.url, person.name).user_id == person.user_id
