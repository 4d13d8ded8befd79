"""Rows as styled text: the screen draws it, and a pipe gets it without styles. Sans-I/O."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from cloudchat.client import Message, Notice
from cloudchat.terminal.conversation import Conversation, RoomView, Row
from cloudchat.terminal.printable import printable, printable_line

Fragment = tuple[str, str]
"""A style and a text."""
Fragments = list[Fragment]
"""Styled text, in the form of prompt_toolkit's."""

_MENTION = re.compile(r"@[\w.-]+")
_QUOTE_CHARS = 40
_NAME_CHARS = 12
_NEXT_LINE = "\n" + " " * 12


def row_fragments(room: RoomView, row: Row, own_name: str) -> Fragments:
    """Return one row, without a line end."""
    event = row.event
    start: Fragments = [("class:seq", f"{event.seq:>5} "), ("class:time", f"{_clock(event.at)} ")]
    if isinstance(event, Notice):
        return [*start, ("class:notice", f"* {notice_text(event)}")]
    name_style = "class:own" if event.user.name == own_name else "class:name"
    line: Fragments = [*start, (name_style, printable_line(event.user.name)), ("", " ")]
    if event.reply_to is not None:
        line.append(("class:quote", f"> {event.reply_to} {_quote(room, event.reply_to)} "))
    if row.is_deleted:
        line.append(("class:notice", "(deleted)"))
        return line
    # Later lines are indented, so that no text looks like the message of someone else.
    text = printable(row.text).replace("\n", _NEXT_LINE)
    line += _text_fragments(text, own_name, is_mention=row.mentions_user)
    if row.is_edited:
        line.append(("class:notice", " (edited)"))
    for emoji, count in row.reactions.items():
        line += [("", "  "), ("class:reaction", f"{printable_line(emoji)} {count}")]
    return line


def plain_text(fragments: Fragments) -> str:
    """Return the text without styles."""
    return "".join(text for _, text in fragments)


def room_list(
    conversation: Conversation, current: RoomView | None, width: int, columns_of: Callable[[str], int]
) -> list[Fragments]:
    """Return a line for each room: its name and what is unread in it. `@` marks a mention of the user.

    `columns_of` returns how many columns a text takes on the terminal: Chinese characters and emoji take two.
    """
    lines = []
    for room in conversation.rooms.values():
        label = _unread_label(room)
        name = _signed_name(room)
        while columns_of(name) > width - len(label) - 1:
            name = name[:-1]
        style = "class:room.current" if room is current else "class:room.unread" if label else "class:room"
        label_style = "class:mention" if room.has_unread_mention else style
        blanks = " " * (width - len(label) - columns_of(name))
        lines.append([(style, name + blanks), (label_style, label)])
    return lines


def unread_text(conversation: Conversation, current: RoomView | None) -> str:
    """Return what is unread in other rooms, mentions first: for a terminal that is too narrow for the list of rooms."""
    rooms = [room for room in conversation.rooms.values() if room is not current and room.unread]
    rooms.sort(key=lambda room: not room.has_unread_mention)
    return ", ".join(f"{_signed_name(room)[:_NAME_CHARS]} {_unread_label(room)}" for room in rooms)


def title(room: RoomView | None) -> str:
    """Return name, topic and state of a room."""
    if room is None:
        return ""
    state = " (archived)" if room.room.archived else " (read only)" if room.room.role == "reader" else ""
    topic = f" – {printable_line(room.room.topic)}" if room.room.topic else ""
    return f"{printable_line(room.name)}{state}{topic}"


def typing_text(names: Sequence[str]) -> str:
    """Return who types; empty if no one does."""
    shown = ", ".join(map(printable_line, names[:3]))
    return f"{shown} {'is' if len(names) == 1 else 'are'} typing …" if names else ""


def notice_text(notice: Notice) -> str:
    """Return a notice as a sentence."""
    by, value = printable_line(notice.user.name), printable_line(notice.value or "")
    target = printable_line(notice.target.name) if notice.target else ""
    sentences = {
        "created": f"{by} created the room",
        "renamed": f"{by} renamed the room to {value}",
        "topic": f"{by} set the topic: {value}" if value else f"{by} removed the topic",
        "joined": f"{by} joined",
        "left": f"{by} left",
        "added": f"{by} added {target}",
        "removed": f"{by} removed {target}",
        "role": f"{by} made {target} {value}",
        "archived": f"{by} archived the room",
        "restored": f"{by} restored the room",
    }
    return sentences.get(notice.kind, f"{by}: {printable_line(notice.kind)} {target} {value}".rstrip())


def _signed_name(room: RoomView) -> str:
    return f"{'@' if room.room.kind == 'direct' else '#'}{printable_line(room.name)}"


def _unread_label(room: RoomView) -> str:
    return f"{'@' if room.has_unread_mention else ''}{room.unread_label}"


def _text_fragments(text: str, own_name: str, *, is_mention: bool) -> Fragments:
    fragments: Fragments = []
    end = 0
    for found in _MENTION.finditer(text):
        name = found[0][1:].rstrip(".-").casefold()
        is_own = is_mention and name in (own_name.casefold(), "room")
        style = "class:mention" if is_own else "class:mention.other"
        fragments += [("", text[end : found.start()]), (style, found[0])]
        end = found.end()
    return [*fragments, ("", text[end:])]


def _quote(room: RoomView, seq: int) -> str:
    row = room.rows.get(seq)
    if row is None or not isinstance(row.event, Message):
        return ""
    text = printable_line(row.text)
    return f"{printable_line(row.event.user.name)}: {text[:_QUOTE_CHARS]}{'…' if len(text) > _QUOTE_CHARS else ''}"


def _clock(at: str) -> str:
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%H:%M")
    except ValueError:
        return "--:--"
