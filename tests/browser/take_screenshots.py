"""Takes a screenshot of every screen into docs/screenshots. Run `make screenshots`, then look at each.

A real server gets users, rooms and a conversation over HTTP. The page shows them on a desktop, on a phone, and dark.
"""

import re
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chat_page import PASSWORD, ChatPage
from browser.chromium import launch
from support.accounts import Account, register
from support.server import RunningServer
from support.socket import ChatSocket

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
CONVERSATION = (
    ("grace", "Did the new server go live?", None),
    ("linus", "Yes. I killed it **twice** on the way, and its store once.\nNobody noticed.", 1),
    ("grace", "Not even a reload?", None),
    ("linus", "No. My train went through a tunnel, too, and everything was there when I came out.", 3),
    (
        "grace",
        "This is all it takes:\n```python\nasync for event in client:\n    if event.mentions(me):\n"
        '        await client.send(event.room, "On my way")\n```',
        None,
    ),
    ("linus", "@ada, how it works is written down at https://example.org/how-a-message-travels", None),
    ("ada", "Every message once, in order. I like that.", 4),
)
VIEWS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1120, "height": 760}, "device_scale_factor": 2},
    "dark": {"viewport": {"width": 1120, "height": 760}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True},
}


def main() -> None:
    """Take the screenshots of all screens in all views."""
    FOLDER.mkdir(exist_ok=True)
    with RunningServer() as server, sync_playwright() as playwright:
        browser = launch(playwright)
        accounts = {name: register(server.url, name) for name in ("ada", "grace", "linus", "margaret")}
        fill(server, accounts)
        for view, options in VIEWS.items():
            print(f"taking the screenshots: {view}", flush=True)
            take_screens(browser, server, view, options)
        browser.close()


def fill(server: RunningServer, accounts: dict[str, Account]) -> None:
    """Create rooms and a conversation with replies, code, mentions and reactions."""
    ada, grace, linus = accounts["ada"], accounts["grace"], accounts["linus"]
    ids = [account.user_id for account in accounts.values()]
    create = ada.http.post
    room = create("/api/rooms", json={"kind": "public", "name": "Launch", "topic": "The new server", "users": ids})
    for name, topic in (("Garden", "Tomatoes and tea"), ("Reading", "A book each month")):
        create("/api/rooms", json={"kind": "public", "name": name, "topic": topic, "users": ids[:3]})
    create("/api/rooms", json={"kind": "private", "name": "Back office", "users": ids[:2]})
    direct = grace.http.post("/api/rooms", json={"kind": "direct", "users": [ada.user_id]}).json()["id"]
    launch_id = room.json()["id"]
    first = len(ids)  # the notices of the creation and of the members
    for name, text, reply_to in CONVERSATION:
        body = {"text": text, **({"reply_to": first + reply_to} if reply_to else {})}
        post(accounts[name], launch_id, body)
    post(grace, direct, {"text": "Lunch?"})
    for account, emoji in ((grace, "🎉"), (linus, "🎉"), (ada, "❤️")):
        with ChatSocket(server.ws_url, account.access_token) as socket:
            react = {"room": launch_id, "seq": first + 2, "emoji": emoji, "on": True}
            socket.command("react", cid=str(uuid.uuid4()), **react)


def post(account: Account, room: str, body: dict[str, Any]) -> None:
    response = account.http.post(
        f"/api/rooms/{room}/messages", json=body, headers={"Idempotency-Key": str(uuid.uuid4())}
    )
    response.raise_for_status()


def take_screens(browser: Browser, server: RunningServer, view: str, options: dict[str, Any]) -> None:
    """Walk through the page as ada and as the administrator."""
    context = browser.new_context(locale="en-GB", **options)
    chat = ChatPage(context.new_page())
    page = chat.page

    def take(screen: str) -> None:
        page.evaluate("document.fonts.ready")
        page.screenshot(path=FOLDER / f"{screen}-{view}.png", animations="disabled")

    page.goto(server.url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    take("sign-in")
    chat.sign_in("ada", PASSWORD)
    chat.wait_connected()
    if "is_mobile" in options:
        page.get_by_role("button", name=re.compile("^Rooms")).first.click()
        take("rooms")
    open_room(page, "Launch")
    expect(chat.messages.last).to_contain_text("Every message once")
    take("chat")
    for screen, opening in SCREENS.items():
        opening(page)
        take(screen)
        close(page)
    context.close()


def close(page: Page) -> None:
    """Close what is open. The first Escape may only clear a box."""
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def open_room(page: Page, name: str) -> None:
    page.get_by_test_id("room-link").filter(has_text=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def open_members(page: Page) -> None:
    page.get_by_role("button", name="Members").click()
    expect(page.get_by_text("margaret").first).to_be_visible()


def open_room_settings(page: Page) -> None:
    page.get_by_role("button", name="About this room").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def open_emoji_picker(page: Page) -> None:
    page.get_by_role("button", name="Insert emoji").click()
    expect(page.get_by_role("grid").first).to_be_visible()


def open_switcher(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Name of a room or a person")).to_be_focused()


def open_search(page: Page) -> None:
    page.get_by_role("button", name="Search messages").click()
    page.get_by_role("searchbox", name="Words").fill("message")
    expect(page.get_by_test_id("search-hit").first).to_be_visible()


def open_shortcuts(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


SCREENS: dict[str, Callable[[Page], None]] = {
    "search": open_search,
    "switcher": open_switcher,
    "shortcuts": open_shortcuts,
    "members": open_members,
    "room-settings": open_room_settings,
    "emoji": open_emoji_picker,
}
"""The screens that are opened from the chat, and how."""


if __name__ == "__main__":
    main()
