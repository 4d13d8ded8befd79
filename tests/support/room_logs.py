"""Logs of a room as the store has them, for tests of the archive: any order of messages, notices and changes."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from cloudchat.core.timestamps import rfc3339_of_ms

START_MS = 1_800_000_000_000
USERS = {"ann": "Ann", "bob": "Bob", "cli": "cli", "server": "server"}
TEXTS = st.sampled_from(["", "hello", 'a "quote" \\', "ü\n🙂\u2028", "x" * 3000])
KINDS = st.sampled_from(["message", "message", "notice", "edit", "delete", "react", "react", "react", "lose"])
EMOJI = st.sampled_from(["👍", "🎉", "🏳️‍🌈"])


class LogWriter:
    """Makes the events of a log, as dictionaries, with consecutive seqs."""

    def __init__(self, room: str = "lobby", epoch: str = "e1", users: dict[str, str] | None = None) -> None:
        """`users` are the names by id."""
        self.room = room
        self.epoch = epoch
        self.users = users or USERS
        self.events: list[dict[str, Any]] = []
        self.next_seq = 1

    @property
    def encoded(self) -> list[bytes]:
        return [msgspec.json.encode(event) for event in self.events]

    def message(self, user: str, text: str, **fields: Any) -> int:
        return self.add("message", cid=f"cid {self.next_seq}", user=self._user(user), text=text, **fields)

    def notice(self, user: str, kind: str, **fields: Any) -> int:
        return self.add("notice", kind=kind, user=self._user(user), **fields)

    def edit(self, target: int, user: str, text: str, **fields: Any) -> int:
        return self.add("edited", target=target, user=self._user(user), text=text, **fields)

    def delete(self, target: int, user: str) -> int:
        return self.add("deleted", target=target, user=self._user(user))

    def react(self, target: int, user: str, emoji: str = "👍", *, on: bool = True) -> int:
        return self.add("reaction", target=target, user=self._user(user), emoji=emoji, on=on)

    def lose(self, count: int) -> None:
        """Continue as after the loss of events: their seqs are skipped, in a new epoch."""
        self.next_seq += count
        self.epoch = f"e{self.next_seq}"

    def add(self, event_type: str, **fields: Any) -> int:
        seq = self.next_seq
        at = rfc3339_of_ms(START_MS + seq * 7)
        self.events.append({"type": event_type, "room": self.room, "epoch": self.epoch, "seq": seq, **fields, "at": at})
        self.next_seq += 1
        return seq

    def _user(self, user: str) -> dict[str, Any]:
        bot = {"bot": True} if user == "bob" else {}
        return {"id": user, "name": self.users[user], **bot}


@st.composite
def logs(draw: st.DrawFn, max_events: int = 40) -> LogWriter:
    """Return a log with changes of any targets: also of none, of notices, and of deleted messages."""
    log = LogWriter()
    log.message("ann", "first")
    users, people = st.sampled_from(sorted(USERS)), st.sampled_from(["ann", "bob"])
    for _ in range(draw(st.integers(1, max_events))):
        # Mostly one of the first messages, so that one message has many changes.
        target = draw(st.one_of(st.integers(1, 3), st.integers(1, log.next_seq)))
        fields: list[dict[str, Any]] = [{}]
        match draw(KINDS):
            case "message":
                fields += [{"mentions": ["ann"]}, {"mentions_room": True, "reply_to": 1}]
                log.message(draw(people), draw(TEXTS), **draw(st.sampled_from(fields)))
            case "notice":
                member = draw(people)
                fields += [{"target": {"id": member, "name": USERS[member]}, "value": "x"}]
                log.notice(draw(users), "added", **draw(st.sampled_from(fields)))
            case "edit":
                fields += [{"mentions": ["bob"]}]
                log.edit(target, draw(people), draw(TEXTS), **draw(st.sampled_from(fields)))
            case "delete":
                log.delete(target, draw(people))
            case "react":
                log.react(target, draw(people), draw(EMOJI), on=draw(st.booleans()))
            case "lose":
                log.lose(draw(st.integers(1, 3)))
    return log
