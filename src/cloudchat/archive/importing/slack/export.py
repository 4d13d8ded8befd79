"""An export of Slack: its users, its channels as rooms, and the rows of each room.

The messages of one channel and day are in memory, not parsed, and one of them is parsed at a time.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec

from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.slack.messages import ID_PATTERN, MessageConverter, milliseconds_of_ts
from cloudchat.archive.importing.slack.text import Names
from cloudchat.archive.importing.slack.zip_file import SlackZip, decode, open_zip
from cloudchat.archive.importing.source import BadImport, SourceRoom, SourceRow, SourceUser

SOURCE = "slack"
_USERS = ("users.json", "org_users.json")
_ROOMS = (("channels.json", "public"), ("groups.json", "private"), ("mpims.json", "direct"), ("dms.json", "direct"))
_OTHER_FILES = ("integration_logs.json", "content_flags.json", "canvases.json", "lists.json", "file_conversations.json")
_DAY_FILE = re.compile(r"(.+)/(\d{4}-\d\d-\d\d)\.json")
_MAX_CREATED = 4_000_000_000


_Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]


class _User(msgspec.Struct):
    id: _Id
    name: str = ""


class _Text(msgspec.Struct):
    value: str = ""


class _Channel(msgspec.Struct):
    id: _Id
    name: str = ""
    created: int = 0
    creator: str = ""
    is_archived: bool = False
    members: list[str] = []
    topic: _Text = msgspec.field(default_factory=_Text)
    purpose: _Text = msgspec.field(default_factory=_Text)


class _Position(msgspec.Struct):
    ts: Any = ""


_position = msgspec.json.Decoder(_Position)


class SlackExport:
    """An open export. All methods raise BadImport for content that Slack does not write."""

    def __init__(self, archive: SlackZip, report: ImportReport) -> None:
        self._zip = archive
        self._report = report
        self.users = self._read_users()
        """The users by their ids."""
        self._channels: dict[str, tuple[_Channel, str, list[str]]] = {}
        self._read_channels()
        self._names = Names(self.users, {id: channel.name for id, (channel, _, _) in self._channels.items()})

    def check(self) -> tuple[list[tuple[SourceRoom, int]], list[SourceUser]]:
        """Read and convert everything; fill the report.

        Return the rooms, each with the number of its rows, and the users of all rooms. They are others than in `users`:
        bots and unknown authors are not in the list of the export, and many in the list have not written anything.
        """
        rooms: list[tuple[SourceRoom, int]] = []
        users: dict[str, SourceUser] = {}
        for channel in self._channels.values():
            room, count = self._room(*channel), 0
            users.update((member.id, member) for member, _ in room.members)
            for row in self._rows(room, self._report):
                count += 1
                users.update((user.id, user) for user in row.users())
            rooms.append((room, count))
        return rooms, list(users.values())

    def rows(self, room: SourceRoom) -> Iterator[SourceRow]:
        """Yield the rows of a room, the same ones in each call."""
        return self._rows(room, ImportReport())

    # -- the lists ----------------------------------------------------------------------------------------------------

    def _read_users(self) -> dict[str, SourceUser]:
        for name in _USERS:
            items = self._zip.read_array(name)
            if items is not None:
                users = [decode(item, name, _User) for item in items]
                return {user.id: SourceUser(user.id, user.name or user.id) for user in users}
        raise BadImport("the zip has no users.json: this is not an export of Slack")

    def _read_channels(self) -> None:
        days: dict[str, list[str]] = {}
        for name in self._zip.names():
            if match := _DAY_FILE.fullmatch(name):
                days.setdefault(match[1], []).append(name)
            elif name in _OTHER_FILES or "/" in name:
                self._report.add("files of the export have no messages, and were left out", name)
        for file, kind in _ROOMS:
            for item in self._zip.read_array(file) or ():
                channel = decode(item, file, _Channel)
                folder = channel.name if channel.name in days else channel.id
                self._channels[channel.id] = channel, kind, sorted(days.pop(folder, ()))
        for folder in days:
            self._report.add("folders of the export belong to no channel, and were left out", folder)

    def _room(self, channel: _Channel, kind: str, days: list[str]) -> SourceRoom:
        digest = hashlib.sha256("".join(map(self._zip.fingerprint, days)).encode(errors="surrogatepass"))
        members = []
        for id in dict.fromkeys([*channel.members, *([channel.creator] if kind != "direct" else [])]):
            user = self.users.get(id)
            if user is None:
                self._report.add("members of channels are not in the list of users", f"{id} ({channel.name})")
            elif id in channel.members:
                members.append((user, "owner" if id == channel.creator and kind != "direct" else "member"))
        return SourceRoom(
            source=SOURCE,
            source_id=channel.id,
            fingerprint=digest.hexdigest(),
            kind=kind,
            name="" if kind == "direct" else channel.name or channel.id,
            topic=channel.topic.value or channel.purpose.value,
            archived=channel.is_archived,
            created_at=float(min(max(channel.created, 0), _MAX_CREATED)),
            members=members,
        )

    # -- the rows -----------------------------------------------------------------------------------------------------

    def _rows(self, room: SourceRoom, report: ImportReport) -> Iterator[SourceRow]:
        channel, kind, days = self._channels[room.source_id]
        converter = MessageConverter(channel.id, self._names, report)
        creator = self.users.get(channel.creator)
        if kind != "direct" and creator is not None and channel.created > 0:
            yield converter.created(int(room.created_at * 1000), creator, channel.name)
        known: set[str] = set()
        for day in days:
            of_this_day: set[str] = set()
            for ts, item in self._messages_of(day):
                # A message at midnight can be in the files of two days.
                if ts in known or ts in of_this_day:
                    report.add("messages are twice in the export", ts)
                    continue
                of_this_day.add(ts)
                yield from converter.convert(decode(item, day))
            known = of_this_day

    def _messages_of(self, day: str) -> list[tuple[str, msgspec.Raw]]:
        """Return the messages of one file in the order of their times, each with its `ts`."""
        items = self._zip.read_array(day) or []
        found = []
        for item in items:
            try:
                ts = _position.decode(item).ts
            except (msgspec.DecodeError, RecursionError) as error:
                raise BadImport(f"{day!a} in the zip has a message that is not JSON as Slack exports it") from error
            found.append((ts if isinstance(ts, str) else "", item))
        return sorted(found, key=lambda message: (milliseconds_of_ts(message[0]) or 0, message[0]))


@contextmanager
def open_slack_export(path: Path, report: ImportReport) -> Iterator[SlackExport]:
    """Open an export for the length of a block. Raises BadImport, OSError."""
    with open_zip(path) as archive:
        yield SlackExport(archive, report)
