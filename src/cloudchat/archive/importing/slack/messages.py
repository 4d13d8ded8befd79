"""One message of Slack as rows of cloudchat: messages, notices, and what is left out.

https://docs.slack.dev/reference/events/message lists the subtypes.
"""

import hashlib
import re
import uuid
from collections.abc import Iterator
from typing import Any

from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.slack.emoji import emoji_of
from cloudchat.archive.importing.slack.rich_text import text_of_attachments, text_of_blocks
from cloudchat.archive.importing.slack.text import ConvertedText, Names, convert_text
from cloudchat.archive.importing.source import SourceRow, SourceUser
from cloudchat.core.invisible import has_visible_text
from cloudchat.core.message_text import is_printable
from cloudchat.core.timestamps import rfc3339_of_ms
from cloudchat.rooms.names import usable_name

ID_PATTERN = r"^[!-~]{1,64}$"
MAX_TEXT = 4000
MAX_EMOJI = 20
MAX_REACTIONS = 1000
_TS = re.compile(r"(\d{1,10})\.(\d{6})", re.ASCII)
_CIDS = uuid.UUID("5b0b7b8c-5d4b-4d6e-9a55-0e6a4e0a4c21")
_SLACKBOT = SourceUser("USLACKBOT", "slackbot")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_NOTICES = {
    # Subtypes that are notices, and the field with the value.
    "channel_leave": ("left", None),
    "channel_topic": ("topic", "topic"),
    "channel_name": ("renamed", "name"),
    "channel_archive": ("archived", None),
    "channel_unarchive": ("restored", None),
}
_RECORDS_OF_CHANGES = {"message_changed", "message_deleted", "message_replied", "thread_locked", "ekm_access_denied"}
"""They repeat what the messages themselves have."""


def milliseconds_of_ts(ts: Any) -> int | None:
    """Return a `ts` in milliseconds since 1970; None if it is not one."""
    match = _TS.fullmatch(ts) if isinstance(ts, str) else None
    return None if match is None else int(match[1]) * 1000 + int(match[2]) // 1000


class MessageConverter:
    """Converts the messages of one channel, in their order. It assigns the seqs, from `next_seq` on.

    It keeps the seq of each message that began a thread, to which replies refer: one number for each thread.
    """

    def __init__(self, channel_id: str, names: Names, report: ImportReport) -> None:
        self._channel_id = channel_id
        self._names = names
        self._report = report
        self._threads: dict[str, int] = {}
        self.next_seq = 1

    def convert(self, message: dict[str, Any]) -> list[SourceRow]:
        """Return the rows of a message; several if its text is too long for one, none if it is left out."""
        ts = message.get("ts")
        at_ms = milliseconds_of_ts(ts)
        if at_ms is None or message.get("type", "message") != "message":
            self._report.add("records are no messages, and were left out", str(message.get("type"))[:40])
            return []
        subtype = _string(message, "subtype").replace("group_", "channel_", 1)
        if subtype in _RECORDS_OF_CHANGES or (message.get("hidden") and subtype != "tombstone"):
            self._report.add("records of changes were left out: messages have their last form", subtype)
            return []
        event: dict[str, Any] = {"at": rfc3339_of_ms(at_ms)}
        if notice := self._notice(subtype, message):
            return [self._numbered(SourceRow({"type": "notice", **event, **notice}))]
        rows = list(self._messages(subtype, message, event))
        if rows and isinstance(ts, str) and (message.get("thread_ts") == ts or message.get("reply_count")):
            self._threads[ts] = rows[0].seq
        return rows

    def created(self, at_ms: int, user: SourceUser, name: str) -> SourceRow:
        """Return the notice of the creation of the channel."""
        event = {"type": "notice", "at": rfc3339_of_ms(at_ms), "kind": "created", "user": user}
        return self._numbered(SourceRow(event | ({"value": usable_name(name)} if name else {})))

    def _numbered(self, row: SourceRow) -> SourceRow:
        row.event["seq"] = self.next_seq
        self.next_seq += 1
        return row

    # -- notices ------------------------------------------------------------------------------------------------------

    def _notice(self, subtype: str, message: dict[str, Any]) -> dict[str, Any] | None:
        user = self._user(_string(message, "user")) or _SLACKBOT
        if subtype == "channel_join":
            inviter = self._user(_string(message, "inviter"))
            if inviter is None or inviter == user:
                return {"kind": "joined", "user": user}
            return {"kind": "added", "user": inviter, "target": user, "value": "member"}
        if subtype not in _NOTICES:
            return None
        kind, field = _NOTICES[subtype]
        notice: dict[str, Any] = {"kind": kind, "user": user}
        if field is not None:
            text = convert_text(_string(message, field), self._names).text
            notice["value"] = usable_name(text, topic=kind == "topic")
        return notice

    # -- messages -----------------------------------------------------------------------------------------------------

    def _messages(self, subtype: str, message: dict[str, Any], event: dict[str, Any]) -> Iterator[SourceRow]:
        author, is_bot = self._author(subtype, message)
        event |= {"user": author}
        if (reply_to := self._reply_to(message)) is not None:
            event["reply_to"] = reply_to
        ts = message["ts"]
        if subtype == "tombstone":
            deleted = {**event, "text": "", "deleted_at": event["at"]}
            yield self._message(deleted, ts, 0, is_bot)
            return
        converted = self._text(subtype, message)
        if not has_visible_text(converted.text):
            self._report.add("messages without a text were left out", subtype or ts)
            return
        edited = message.get("edited")
        edited_ms = milliseconds_of_ts(edited.get("ts")) if isinstance(edited, dict) else None
        if edited_ms is not None:
            event["edited_at"] = rfc3339_of_ms(edited_ms)
        parts = _split(converted.text)
        if len(parts) > 1:
            self._report.add("messages are longer than 4,000 characters, and were divided", ts)
        for number, part in enumerate(parts):
            row = self._message({**event, "text": part}, ts, number, is_bot)
            if number == 0:
                if converted.mentions:
                    row.event["mentions"] = list(converted.mentions.values())
                if converted.mentions_room:
                    row.event["mentions_room"] = True
                row.reactions = self._reactions(message.get("reactions"))
            yield row

    def _message(self, event: dict[str, Any], ts: str, part: int, is_bot: bool) -> SourceRow:
        cid = str(uuid.uuid5(_CIDS, f"{self._channel_id} {ts} {part}"))
        return self._numbered(SourceRow({"type": "message", "cid": cid, **event}, is_bot))

    def _author(self, subtype: str, message: dict[str, Any]) -> tuple[SourceUser, bool]:
        """Return the author, and whether it is a bot."""
        comment = message.get("comment")
        user_id = _id(message, "user")
        if subtype == "file_comment" and isinstance(comment, dict):
            user_id = _id(comment, "user") or user_id
        bot_id, name = _id(message, "bot_id"), _string(message, "username")
        user = self._user(user_id)
        if user is not None and subtype != "bot_message":
            return user, bool(bot_id) or user == _SLACKBOT
        profile = message.get("bot_profile")
        name = name or (_string(profile, "name") if isinstance(profile, dict) else "")
        if bot_id or name:
            return SourceUser(bot_id or f"bot:{hashlib.sha256(name.encode()).hexdigest()[:32]}", name or bot_id), True
        if user_id:
            profile = message.get("user_profile")
            shown = _string(profile, "name") if isinstance(profile, dict) else ""
            self._report.add("authors are not in the list of users of the export", shown or user_id)
            return SourceUser(user_id, shown or user_id), False
        return _SLACKBOT, True

    def _user(self, id: str) -> SourceUser | None:
        return _SLACKBOT if id == _SLACKBOT.id else self._names.users.get(id)

    def _reply_to(self, message: dict[str, Any]) -> int | None:
        thread = message.get("thread_ts")
        if not isinstance(thread, str) or thread == message["ts"]:
            return None
        seq = self._threads.get(thread)
        if seq is None:
            self._report.add("replies belong to messages that the export does not have", message["ts"])
        return seq

    def _text(self, subtype: str, message: dict[str, Any]) -> ConvertedText:
        text = _string(message, "text")
        comment = message.get("comment")
        if subtype == "file_comment" and isinstance(comment, dict):
            text = _string(comment, "comment") or text
        if not has_visible_text(text):
            text = text_of_blocks(message.get("blocks"))
        if attached := text_of_attachments(message.get("attachments")):
            text = f"{text}\n{attached}" if text else attached
        if subtype == "me_message":
            text = f"_{text}_"
        converted = convert_text(text, self._names)
        for id in converted.unknown:
            self._report.add("mentions are of users that the export does not have", id)
        lines = [converted.text, *self._files(message)]
        converted.text = _CONTROL.sub("", "\n".join(filter(None, lines))).strip("\r\n")
        if not is_printable(converted.text):
            converted.text = "".join(part for part in converted.text if is_printable(part))
        return converted

    def _files(self, message: dict[str, Any]) -> Iterator[str]:
        """Yield a line for each file, with its link but without the token that opens it for everybody."""
        files = message.get("files")
        listed = files if isinstance(files, list) else [message.get("file")]
        for file in listed:
            if not isinstance(file, dict):
                continue
            if file.get("mode") in ("tombstone", "hidden_by_limit"):
                self._report.add("files are not in Slack any more", _string(file, "id"))
                yield "📎 a file that was deleted"
                continue
            name = _string(file, "title") or _string(file, "name") or _string(file, "id")
            link = (_string(file, "permalink") or _string(file, "url_private")).partition("?")[0]
            self._report.add("files are listed with their links, and were not copied", name)
            yield " ".join(filter(None, ["📎", name, link]))

    def _reactions(self, reactions: Any) -> list[tuple[str, list[SourceUser]]]:
        found: dict[str, dict[SourceUser, None]] = {}
        left = MAX_REACTIONS
        for reaction in reactions if isinstance(reactions, list) else ():
            if not isinstance(reaction, dict):
                continue
            name, ids = _string(reaction, "name"), reaction.get("users")
            emoji = emoji_of(name)
            if emoji is None or (emoji not in found and len(found) == MAX_EMOJI):
                self._report.add("reactions have an emoji that cloudchat does not have, or are too many", f":{name}:")
                continue
            ids = [id for id in ids if isinstance(id, str)] if isinstance(ids, list) else []
            users = [user for id in ids if (user := self._user(id)) is not None][:left]
            count = reaction.get("count")
            if isinstance(count, int) and count > len(users):
                remark = "reactions of users that the export does not name were left out"
                self._report.add(remark, count=count - len(users))
            left -= len(users)
            if users:
                found.setdefault(emoji, {}).update(dict.fromkeys(users))
        return [(emoji, list(users)) for emoji, users in found.items()]


def _split(text: str) -> list[str]:
    """Return parts of a text that are short enough, divided at the ends of lines or words where that is possible."""
    parts = []
    while len(text) > MAX_TEXT:
        end = max(text.rfind("\n", MAX_TEXT // 2, MAX_TEXT), text.rfind(" ", MAX_TEXT * 3 // 4, MAX_TEXT))
        end = end if end > 0 else MAX_TEXT
        parts.append(text[:end])
        text = text[end:].lstrip("\n ")
    return [part for part in [*parts, text] if has_visible_text(part)]


def _id(mapping: dict[str, Any], key: str) -> str:
    value = _string(mapping, key)
    return value if re.fullmatch(ID_PATTERN, value) else ""


def _string(mapping: dict[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""
