"""The chat on the whole screen of a terminal. The only module that uses prompt_toolkit."""

import asyncio
import time

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import ConditionalContainer, Dimension, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth
from prompt_toolkit.widgets import TextArea

from cloudchat.client import Update
from cloudchat.terminal.printable import printable
from cloudchat.terminal.render import room_list, row_fragments, title, typing_text, unread_text
from cloudchat.terminal.session import TerminalSession

ROOMS_WIDTH = 22
MIN_WIDTH_WITH_ROOMS = 60
MAX_ANSWER_ROWS = 22
"""`/help` takes 13 rows, or 18 in 40 columns; the names of rooms that `/find` lists, 21."""
REFRESH_SECONDS = 1.0
"""How often what depends on the time is drawn again: who types, and the state of the connection."""

_STYLE = Style.from_dict(
    {
        "title": "reverse",
        "status": "reverse",
        "status.offline": "reverse bold fg:ansired",
        "room.current": "reverse",
        "room.unread": "bold",
        "seq": "fg:ansibrightblack",
        "time": "fg:ansibrightblack",
        "name": "bold fg:ansicyan",
        "own": "bold fg:ansigreen",
        "mention": "bold reverse fg:ansiyellow",
        "mention.other": "fg:ansiyellow",
        "notice": "italic fg:ansibrightblack",
        "quote": "fg:ansibrightblack",
        "reaction": "fg:ansimagenta",
    }
)


class Screen:
    """The display of a session. `run` returns the exit code."""

    def __init__(self, session: TerminalSession) -> None:
        self._session = session
        session.display = self
        self._answer = "Type a message, or /help. Tab: next room. Page up: older messages. Ctrl-C: leave."
        self._scrolled_rows = 0
        """How many rows below are not shown; 0: the newest one is."""
        self._entry = TextArea(
            height=1, multiline=False, prompt="> ", wrap_lines=False, accept_handler=self._accept, name="entry"
        )
        self._entry.buffer.on_text_changed += self._typed
        self._app: Application[None] = Application(
            layout=Layout(self._windows(), focused_element=self._entry),
            key_bindings=self._keys(),
            style=_STYLE,
            full_screen=True,
            refresh_interval=REFRESH_SECONDS,
        )

    async def run(self) -> int:
        """Run until the user leaves. Raises the `ClientError` that ended the client."""
        following = asyncio.create_task(self._session.follow())
        following.add_done_callback(lambda _: self.close())
        try:
            await self._app.run_async()
            if following.done():
                following.result()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        return 0

    # -- Display ------------------------------------------------------------------------------------------------------

    def updated(self, update: Update) -> None:
        """Draw again."""
        if self._scrolled_rows == 0:
            self._session.mark_read()
        self._app.invalidate()

    def tell(self, text: str) -> None:
        """Show a text above the entry."""
        self._answer = text
        self._app.invalidate()

    def refused(self, line: str) -> None:
        """Put a refused line back into the entry, unless the user has begun another one."""
        if not self._entry.text:
            self._put_into_entry(line)

    def close(self) -> None:
        """End the display."""
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _windows(self) -> HSplit:
        rooms = Window(FormattedTextControl(self._room_lines), width=ROOMS_WIDTH)
        messages = Window(FormattedTextControl(self._message_lines), wrap_lines=True)
        above = Dimension(preferred=1)  # the answer gets the rows that it needs; the rest is for the messages
        answer = Window(
            FormattedTextControl(lambda: printable(self._answer)),
            wrap_lines=True,
            dont_extend_height=True,
            height=Dimension(max=MAX_ANSWER_ROWS),
        )
        return HSplit(
            [
                Window(FormattedTextControl(lambda: f" {title(self._session.current)}"), height=1, style="class:title"),
                VSplit([ConditionalContainer(rooms, Condition(self._has_space_for_rooms)), messages], height=above),
                answer,
                Window(FormattedTextControl(self._status), height=1, style="class:status"),
                self._entry,
            ]
        )

    def _has_space_for_rooms(self) -> bool:
        return self._app.output.get_size().columns >= MIN_WIDTH_WITH_ROOMS

    def _room_lines(self) -> StyleAndTextTuples:
        lines = room_list(self._session.conversation, self._session.current, ROOMS_WIDTH - 1, get_cwidth)
        return [fragment for line in lines for fragment in [*line, ("", "\n")]]

    def _message_lines(self) -> StyleAndTextTuples:
        room, user = self._session.current, self._session.conversation.user
        if room is None or user is None:
            return []
        shown = list(room.rows.values())
        shown = shown[: len(shown) - self._scrolled_rows]
        fragments: StyleAndTextTuples = []
        for index, row in enumerate(shown):
            if index == len(shown) - 1:
                fragments.append(("[SetCursorPosition]", ""))  # the window scrolls to it
            fragments += [*row_fragments(room, row, user.name), ("", "\n")]
        return fragments[:-1]

    def _status(self) -> StyleAndTextTuples:
        conversation = self._session.conversation
        if conversation.status:
            return [("class:status.offline", f" {printable(conversation.status)}")]
        room = self._session.current
        typing = typing_text(room.typing(time.monotonic())) if room else ""
        below = f"{self._scrolled_rows} newer below  " if self._scrolled_rows else ""
        name = conversation.user.name if conversation.user else ""
        unread = "" if self._has_space_for_rooms() else unread_text(conversation, room)
        elsewhere = f"unread: {unread}  " if unread else ""
        return [("class:status", f" {printable(name)}: connected  {below}{elsewhere}{typing}")]

    # -- what the user does -------------------------------------------------------------------------------------------

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        entry_is_empty = Condition(lambda: not self._entry.text)

        @keys.add("c-c")
        @keys.add("c-d", filter=entry_is_empty)
        def leave(event: KeyPressEvent) -> None:
            self.close()

        @keys.add("tab")
        def next_room(event: KeyPressEvent) -> None:
            self._go(1)

        @keys.add("s-tab")
        def previous_room(event: KeyPressEvent) -> None:
            self._go(-1)

        @keys.add("pageup")
        def page_up(event: KeyPressEvent) -> None:
            self._scroll(self._page_rows())

        @keys.add("pagedown")
        def page_down(event: KeyPressEvent) -> None:
            self._scroll(-self._page_rows())

        @keys.add("up", filter=entry_is_empty)
        def edit_last(event: KeyPressEvent) -> None:
            self._edit_last()

        return keys

    def _accept(self, buffer: Buffer) -> bool:
        self._answer = ""
        self._scrolled_rows = 0
        line = buffer.text
        buffer.reset()
        self._session.enter(line)
        self._session.mark_read()
        return True  # keep what is in the entry now: nothing, or a line that was refused

    def _typed(self, buffer: Buffer) -> None:
        if buffer.text and not buffer.text.startswith("/"):
            self._session.typed()

    def _go(self, step: int) -> None:
        rooms, current = list(self._session.conversation.rooms.values()), self._session.current
        if rooms:
            self._scrolled_rows = 0
            place = rooms.index(current) + step if current in rooms else 0
            self._session.show(rooms[place % len(rooms)])
            self._session.mark_read()

    def _page_rows(self) -> int:
        return max(1, self._app.output.get_size().rows - 6)

    def _scroll(self, rows: int) -> None:
        room = self._session.current
        if room is None:
            return
        last = max(0, len(room.rows) - 1)
        if rows > 0 and self._scrolled_rows + rows > last and room.more_before:
            self._session.load_older()
        self._scrolled_rows = min(last, max(0, self._scrolled_rows + rows))
        if self._scrolled_rows == 0:
            self._session.mark_read()

    def _edit_last(self) -> None:
        room = self._session.current
        for row in room.own_messages() if room else []:
            if not row.is_deleted:
                self._put_into_entry(f"/edit {row.event.seq} {row.text}")
                return

    def _put_into_entry(self, line: str) -> None:
        """Set the entry, with the cursor at its end: what is typed next must not come before it."""
        self._entry.buffer.document = Document(line)
