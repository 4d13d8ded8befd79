"""The calls of the store's functions that append (functions/append.lua, functions/change.lua), and their replies."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from cloudchat.broker import keys
from cloudchat.broker.appends import (
    AppendCallback,
    Appended,
    AppendOutcome,
    ArchivedMessage,
    Change,
    Entry,
    Refusal,
    Refused,
)
from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.redis_connection import pack
from cloudchat.broker.numbering.epochs import new_epoch
from cloudchat.broker.numbering.high_water_marks import HighWaterMarks
from cloudchat.broker.seen_cids import cid_digest

_APPENDED, _DUPLICATE, _FAILED = 0, 1, 10
"""Outcomes in functions/library.lua. The others are those of `Refusal`."""


class PendingAppend(Struct, frozen=True):
    """An append without its outcome. `change` is None for a message or a notice."""

    entry: Entry
    on_done: AppendCallback
    change: Change | None = None


class AppendReply(Struct, frozen=True):
    """The outcomes of the appends of one call, in order.

    Without `published`, the store has sent the events to no subscriber: no other process listens.
    """

    published: bool
    outcomes: Sequence[AppendOutcome]


class AppendCalls:
    """Packs calls, each with the newest high-water marks of its rooms."""

    def __init__(self, marks: HighWaterMarks, history_messages: int, own_channel: str) -> None:
        """`own_channel` is the channel to which only this process subscribes."""
        self._marks = marks
        self._history_messages = history_messages
        self._own_channel = own_channel

    def pack_appends(self, appends: Sequence[PendingAppend]) -> bytes:
        """Return the call that appends messages and notices, in order."""
        arguments: list[str | bytes | int] = [new_epoch(), self._history_messages, self._own_channel]
        for append in appends:
            entry = append.entry
            arguments += (*self._arguments(entry), entry.slow_mode_ms, entry.reply_to)
        return pack("FCALL", "cloudchat_append_v5", 0, *arguments)

    def pack_change(self, change: Change) -> bytes:
        """Return the call that appends one change of a message."""
        entry = change.event
        return pack(
            "FCALL",
            "cloudchat_change_v5",
            1,
            keys.meta(entry.room),
            new_epoch(),
            self._history_messages,
            self._own_channel,
            *self._arguments(entry),
            change.target,
            int(change.moderates),
            change.emoji,
            int(change.on),
            *_archived_form(change.archived),
        )

    def _arguments(self, entry: Entry) -> tuple[str | bytes | int, ...]:
        return (
            entry.room,
            entry.kind,
            entry.body,
            entry.user,
            cid_digest(entry.user, entry.cid),
            entry.at,
            self._marks.get(entry.room)[1],
            entry.version,
        )


def read_reply(appends: Sequence[PendingAppend], reply: Any) -> AppendReply:
    """Return what the reply to a call says of its appends."""
    return AppendReply(bool(reply[0]), list(map(_outcome, appends, reply[1:])))


def event_of(entry: Entry, epoch: str, seq: int) -> bytes:
    """Return the event of an entry, as the store has it."""
    head = f'{{"type":"{entry.kind}","room":"{entry.room}","epoch":"{epoch}","seq":{seq},'
    return head.encode() + entry.body


def _outcome(append: PendingAppend, reply: Any) -> AppendOutcome:
    epoch, detail, outcome = reply[:3]
    if outcome == _APPENDED:
        return Appended(detail, epoch.decode(), append.entry.at, duplicate=False)
    if outcome == _DUPLICATE:
        return Appended(detail, epoch.decode(), reply[3].decode(), duplicate=True)
    if outcome == _FAILED:
        return BrokerUnavailable(f"the store refused the append: {detail.decode()}")
    return Refused(Refusal(outcome), detail)


def _archived_form(message: ArchivedMessage | None) -> tuple[str | int, ...]:
    """Return the arguments of cloudchat_change_v5 that say what the archive knows. The state is as the store has it.

    The edits have the seq 0, because the archive does not keep their seqs.
    """
    if message is None:
        return ("", "", "", "")
    state: dict[str, Any] = {}
    if message.edits:
        state["edits"] = ["0"] * message.edits
    if message.reactions:
        state["reactions"] = [
            {"emoji": emoji, "users": f" {' '.join(users)} ", "count": len(users)} for emoji, users in message.reactions
        ]
    if message.is_deleted:
        state["deleted"] = {"at": "", "user": ""}
    return (message.as_of, message.author, message.at, msgspec.json.encode(state).decode())
