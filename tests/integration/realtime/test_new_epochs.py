"""What clients receive after a restore, and after a failover that lost events: a new epoch, and no number twice."""

import asyncio
import json
from pathlib import Path

import pytest
import redis

from cloudchat.broker import keys
from cloudchat.client import ChatClient, Gap, Joined, Message, Update
from support.accounts import Account, login, register
from support.commands import done, run_here
from support.server import RunningServer
from support.socket import ChatSocket
from support.stores import RunningStore
from support.update_listener import UpdateListener

KEPT = ["one", "two", "three"]
LOST = ["four", "five"]


def send_all(chat: ChatSocket, texts: list[str]) -> list[str]:
    """Send messages in a joined room; return their frames as text."""
    for text in texts:
        assert chat.send(text)["type"] == "ack"
    chat.wait_for(lambda frame: frame["type"] == "message" and frame["text"] == texts[-1])  # may come after its ack
    return [raw for raw in chat.raw if json.loads(raw)["type"] == "message"][-len(texts) :]


def check_new_epoch(server: RunningServer, account: Account, kept: list[str], old_epoch: str, head: int) -> None:
    """Join with a position that was lost; check the replay, the history and the next message, which is above `head`."""
    with ChatSocket(server.ws_url, account.access_token) as chat:
        (lobby,) = chat.receive()["rooms"]
        joined = chat.join(after={"epoch": old_epoch, "seq": len(KEPT) + len(LOST)})
        assert (joined["status"], joined["seq"]) == ("gap", head)
        assert joined["epoch"] == lobby["epoch"] != old_epoch
        chat.command("ping")
        replayed = [raw for raw in chat.raw if json.loads(raw)["type"] == "message"]
        assert replayed == kept
        assert {json.loads(raw)["epoch"] for raw in replayed} <= {old_epoch}

        page = chat.command("history", room="lobby", before=100)
        assert page["epoch"] == joined["epoch"]
        assert all(raw in chat.raw[-1] for raw in kept)

        (sent,) = [json.loads(raw) for raw in send_all(chat, ["new"])]
        assert (sent["epoch"], sent["seq"]) == (joined["epoch"], head + 1)

        again = chat.join(after={"epoch": joined["epoch"], "seq": head})
        assert (again["status"], again["epoch"]) == ("recovered", joined["epoch"])


def test_restored_events_keep_their_bytes_and_joins_name_the_new_epoch(tmp_path: Path) -> None:
    backup = tmp_path / "backup.tar"
    with RunningServer() as server:
        account = register(server.url)
        with ChatSocket(server.ws_url, account.access_token) as chat:
            old_epoch = chat.join()["epoch"]
            kept = send_all(chat, KEPT)
            done(run_here(server.state_dir, "admin", "backup", backup))
            send_all(chat, LOST)
        server.kill()
        server.state_dir = tmp_path / "restored"
        done(run_here(server.state_dir, "admin", "restore", backup))
        server.start()
        check_new_epoch(server, login(server.url, account.name), kept, old_epoch, len(KEPT))


def word_of(update: Update) -> str:
    """Return what an update says, in short."""
    match update:
        case Joined(status=status):
            return f"joined {status}"
        case Gap():
            return "gap"
        case Message(text=text):
            return text
    return ""


@pytest.mark.anyio
async def test_failover_that_lost_events_is_a_gap_and_one_join() -> None:
    with RunningStore() as store:
        environment = {"CLOUDCHAT_REDIS_URL": store.url, "CLOUDCHAT_HEARTBEAT_SECONDS": "0.5"}
        with RunningServer(environment=environment) as server:
            account, listener = register(server.url), UpdateListener()

            async def token(fresh: bool) -> str:
                return account.access_token

            async with ChatClient(server.ws_url, token, on_update=listener, options={"proxy": None}) as client:
                client.join("lobby")
                await listener.wait_for(lambda update: word_of(update) == "joined fresh")
                old_epoch = await asyncio.to_thread(lose_events, server, store, account)
                await listener.wait_for(lambda update: word_of(update) == "joined gap")
                # What is left does not follow on without a hole: it is not replayed.
                last = len(KEPT) + len(LOST)
                await asyncio.to_thread(check_new_epoch, server, account, [], old_epoch, last)
                await listener.wait_for(lambda update: word_of(update) == "new")
                await client.send("lobby", "newer")
                await listener.wait_for(lambda update: word_of(update) == "newer")
            story = [word for word in map(word_of, listener.updates) if word]
            assert story == ["joined fresh", *KEPT, *LOST, "gap", "joined gap", "new", "newer"]


def lose_events(server: RunningServer, store: RunningStore, account: Account) -> str:
    """Send messages, and set the store back to a replica that lacks the last ones; return the epoch."""
    with ChatSocket(server.ws_url, account.access_token) as chat, redis.Redis(port=store.port) as connection:
        old_epoch: str = chat.join()["epoch"]
        send_all(chat, KEPT)
        replica = {key: connection.dump(key) for key in (keys.meta("lobby"), keys.log("lobby"))}
        send_all(chat, LOST)
        for key, value in replica.items():
            connection.restore(key, 0, value, replace=True)
    return old_epoch
