"""The rooms of the Python client's user, and what happens in them, on the real server."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

import pytest

from cloudchat.client import (
    ChatClient,
    Deleted,
    Disconnected,
    Edited,
    Gap,
    Joined,
    JoinRefused,
    Message,
    Notice,
    Presence,
    Reaction,
    ReadElsewhere,
    RoomAdded,
    RoomChanged,
    RoomRemoved,
    SendRefused,
    Typing,
    Update,
)
from cloudchat.client.update_stream import UpdateStream
from cloudchat.database.engine import create_engine
from cloudchat.database.transactions import Database
from cloudchat.rooms.caller import Caller
from cloudchat.rooms.service import RoomService
from support.accounts import Account
from support.chat_users import RATES, room_of, signed_in
from support.server import RunningServer

pytestmark = pytest.mark.anyio

ROOMS = 500
Kind = TypeVar("Kind", bound=Update)


def client_of(server: RunningServer, account: Account) -> ChatClient:
    return ChatClient(server.ws_url, account.access_token, options={"proxy": None})


class Inbox:
    """The updates of a client that no call has returned yet."""

    def __init__(self, stream: UpdateStream) -> None:
        self._stream = stream
        self._unread: list[Update] = []

    async def next(self, kind: type[Kind], matches: Callable[[Kind], bool] = lambda _: True) -> Kind:
        """Return the first unread update of this type that matches. Those before it stay unread."""
        for update in self._unread:
            if isinstance(update, kind) and matches(update):
                self._unread.remove(update)
                return update
        try:
            async with asyncio.timeout(20):
                async for update in self._stream:
                    if isinstance(update, kind) and matches(update):
                        return update
                    self._unread.append(update)
        except TimeoutError:
            raise AssertionError(f"no such {kind.__name__}; unread: {self._unread}") from None
        raise AssertionError("the stream has ended")


@contextlib.asynccontextmanager
async def connected(server: RunningServer, account: Account) -> AsyncIterator[tuple[ChatClient, Inbox]]:
    """Yield a client that is in all rooms of its user, and its updates."""
    async with client_of(server, account) as client:
        inbox = Inbox(client.updates())
        client.join_all()
        await inbox.next(Joined)
        yield client, inbox


@pytest.fixture(scope="module")
def people() -> Iterator[tuple[RunningServer, list[Account]]]:
    with RunningServer(environment=RATES) as server, signed_in(server, "ann", "bob", "eve") as accounts:
        yield server, accounts


async def test_every_change_of_a_message_reaches_the_other_members(
    people: tuple[RunningServer, list[Account]],
) -> None:
    server, (ann, bob, _) = people
    async with connected(server, ann) as (writer, _), connected(server, bob) as (reader, updates):
        sent = await writer.send("lobby", "hello @bob")
        message = await updates.next(Message, lambda message: message.seq == sent.seq)
        assert (message.user.name, message.text, message.mentions) == ("ann", "hello @bob", (bob.user_id,))
        assert message.mentions_user(reader.user.id)
        await writer.edit("lobby", sent.seq, "hello")
        edited = await updates.next(Edited)
        assert (edited.target, edited.text, edited.mentions) == (sent.seq, "hello", ())
        await reader.react("lobby", sent.seq, "👍")
        reaction = await updates.next(Reaction)
        assert (reaction.target, reaction.user.name, reaction.emoji, reaction.on) == (sent.seq, "bob", "👍", True)
        assert (await reader.react("lobby", sent.seq, "👍")).duplicate
        page = await reader.history("lobby", around=sent.seq)
        row = next(event for event in page.events if event.seq == sent.seq)
        assert isinstance(row, Message)
        assert (row.text, [(one.emoji, one.count) for one in row.reactions]) == ("hello", [("👍", 1)])
        assert row.edited_at is not None
        assert page.as_of >= reaction.seq
        with pytest.raises(SendRefused, match="forbidden"):
            await reader.delete("lobby", sent.seq)
        await writer.delete("lobby", sent.seq)
        assert (await updates.next(Deleted)).target == sent.seq
        with pytest.raises(SendRefused, match="not_found"):
            await writer.edit("lobby", sent.seq, "too late")


async def test_typing_presence_read_and_who(people: tuple[RunningServer, list[Account]]) -> None:
    server, (ann, _, eve) = people  # in the seconds after another test, bob counts as online
    async with connected(server, ann) as (watcher, updates), connected(server, ann) as (second, seconds):
        async with connected(server, eve) as (typist, _):
            online = await updates.next(Presence, lambda presence: presence.user.name == "eve")
            assert (online.room, online.online) == ("lobby", True)
            typist.typing("lobby")
            assert (await updates.next(Typing)).user.name == "eve"
            present = await watcher.who("lobby")
            assert {"ann", "eve"} <= {user.name for user in present.users}
            assert present.total == len(present.users)
            sent = await typist.send("lobby", "read me, @ann")
        await updates.next(Message, lambda message: message.seq == sent.seq)
        counts = await watcher.unread()
        assert (counts["lobby"].unread >= 1, counts["lobby"].mentions) == (True, 1)
        watcher.read("lobby", sent.seq)
        assert (await seconds.next(ReadElsewhere)).seq == sent.seq
        assert second.rooms["lobby"].read == sent.seq
        assert (await watcher.unread())["lobby"].unread == 0


async def test_rooms_are_joined_when_they_are_added_and_end_when_they_are_removed(
    people: tuple[RunningServer, list[Account]],
) -> None:
    server, (ann, bob, _) = people
    async with connected(server, ann) as (owner, _), connected(server, bob) as (member, updates):
        room = await asyncio.to_thread(room_of, ann, "private", "office", bob)
        added = await updates.next(RoomAdded)
        assert (added.room.id, added.room.name, added.room.role) == (room, "office", "member")
        await updates.next(Joined, lambda joined: joined.room == room)
        await asyncio.to_thread(ann.http.patch, f"/api/rooms/{room}", json={"topic": "tea"})
        assert (await updates.next(RoomChanged)).room.topic == "tea"
        notice = await updates.next(Notice, lambda notice: notice.kind == "topic")
        assert (notice.user.name, notice.value) == ("ann", "tea")
        await asyncio.to_thread(ann.http.delete, f"/api/rooms/{room}/members/{bob.user_id}")
        assert (await updates.next(RoomRemoved)).room == room
        assert room not in member.rooms
        await owner.send(room, "not for bob")
        await asyncio.to_thread(ann.http.put, f"/api/rooms/{room}/members/{bob.user_id}", json={})
        await updates.next(RoomAdded)
        await updates.next(Notice, lambda notice: notice.kind == "added")


@pytest.mark.parametrize("kind", ["public", "private", "direct"])
async def test_the_creator_and_the_members_of_a_new_room_get_it_without_a_reconnect(
    people: tuple[RunningServer, list[Account]], kind: str
) -> None:
    server, (ann, bob, _) = people
    async with connected(server, ann) as (creator, updates), connected(server, bob) as (_, others):
        room = await asyncio.to_thread(room_of, ann, kind, None if kind == "direct" else f"new {kind}", bob)
        for inbox in (updates, others):
            assert (await inbox.next(RoomAdded)).room.id == room
            await inbox.next(Joined, lambda joined: joined.room == room)
        assert (await creator.send(room, "the first")).room == room


async def test_a_client_with_500_rooms_resumes_all_of_them_without_being_refused() -> None:
    with RunningServer(environment=RATES) as server, signed_in(server, "ann") as (ann,):
        caller = Caller(ann.user_id, "ann", "member")
        with contextlib.closing(Database(create_engine(f"sqlite:///{server.state_dir / 'cloudchat.db'}"))) as db:
            service = RoomService(db)
            for number in range(ROOMS - 1):  # and the lobby
                service.create("private", f"room {number}", "", [], caller=caller, now=time.time())
        async with client_of(server, ann) as client:
            updates = client.updates(max_buffered=10 * ROOMS)
            client.join_all()
            for status in ("fresh", "recovered"):
                joined: dict[str, str] = {}
                async with asyncio.timeout(60):
                    async for update in updates:
                        assert not isinstance(update, Gap | JoinRefused)
                        if isinstance(update, Joined):
                            joined[update.room] = update.status
                            if len(joined) == ROOMS:
                                break
                        elif isinstance(update, Disconnected):
                            assert status == "recovered", update
                assert set(joined.values()) == {status}
                assert set(client.rooms) == set(joined)
                if status == "fresh":
                    await asyncio.to_thread(server.restart)
