"""Everything is lost but a backup that was made while a crowd was sending: nobody is shown a wrong history."""

from pathlib import Path

from faults.checker import violations
from faults.crowd import ENVIRONMENT, Crowd
from faults.story import Missing
from support.accounts import Account, login, register
from support.commands import admin, done
from support.server import RunningServer
from support.socket import ChatSocket

AT_LEAST = 50


def bot_of(server: RunningServer) -> Account:
    """A user whose token is no session's: it is good after a restore too."""
    account = register(server.url)
    scopes = "chat:read,chat:write"
    issued = admin(server.state_dir, "issue-token", account.name, "--scope", scopes, "--ttl", "1d")
    account.access_token = done(issued).strip()
    return account


def test_after_a_restore_all_that_was_acknowledged_before_the_backup_is_there_once(tmp_path: Path) -> None:
    backup = tmp_path / "backup.tar"
    with RunningServer(environment=ENVIRONMENT) as server:
        bot, person = bot_of(server), register(server.url)
        with Crowd(server.ws_url, bot) as crowd:
            before = crowd.wait_for_acks(AT_LEAST)
            done(admin(server.state_dir, "backup", backup))
            crowd.wait_for_acks(AT_LEAST)
            server.kill()
            server.state_dir = tmp_path / "another machine"
            done(admin(server.state_dir, "restore", backup))
            server.start()
            crowd.wait_for_acks(AT_LEAST)
            story = crowd.finish()
        assert violations(story, wiped=True) == []
        for client, view in story.views.items():
            assert sum(isinstance(item, Missing) for item in view) == 1, client

        answered = sorted((said for said in story.said if said.ack), key=lambda said: said.ack.at)[:before]
        kept = {(event.epoch, event.seq, event.cid) for event in story.history}
        assert {(said.ack.epoch, said.ack.seq, said.cid) for said in answered} <= kept
        with ChatSocket(server.ws_url, bot.access_token) as socket:
            again = socket.send(answered[0].text, cid=answered[0].cid)
        assert (again["duplicate"], again["seq"]) == (True, answered[0].ack.seq)

        assert person.http.get("/api/me").status_code == 401  # sessions have ended, accounts have not
        assert login(server.url, person.name).user_id == person.user_id
