"""Every screen and dialog of the chat, and how an administrator opens it: by selectors, so in any language.

`fill` gives a server users, rooms and a conversation. Used by tests and by `take_screenshots.py`.
"""

import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from support.accounts import PASSWORD, Account, login, register
from support.server import RunningServer
from support.socket import ChatSocket

Opening = Callable[[Page], None]
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
DIALOG = "dialog[open]"
MENU = "[popover]:popover-open"
SECTIONS = ("password", "second-factor", "sessions", "appearance", "notifications")
ADMINISTRATION = ("users", "rooms", "invites", "tokens", "audit")


def fill(server: RunningServer) -> None:
    """Create the administrator ada, other users, rooms of all kinds, and a conversation."""
    names = ("grace", "linus", "margaret")
    accounts = {"ada": _administrator(server, "ada"), **{name: register(server.url, name) for name in names}}
    ada = accounts["ada"]
    ids = [account.user_id for account in accounts.values()]
    create = ada.http.post
    room = create("/api/rooms", json={"kind": "public", "name": "Launch", "topic": "The new server", "users": ids})
    for name, topic in (("Garden", "Tomatoes and tea"), ("Reading", "A book each month")):
        create("/api/rooms", json={"kind": "public", "name": name, "topic": topic, "users": ids[:3]})
    create("/api/rooms", json={"kind": "private", "name": "Back office", "users": ids[:2]})
    accounts["linus"].http.post("/api/rooms", json={"kind": "private", "name": "Surprise party"})
    direct = accounts["grace"].http.post("/api/rooms", json={"kind": "direct", "users": [ada.user_id]}).json()["id"]
    launch = room.json()["id"]
    first = len(ids)  # the notices of the creation and of the members
    for name, text, reply_to in CONVERSATION:
        post(accounts[name], launch, {"text": text, **({"reply_to": first + reply_to} if reply_to else {})})
    post(accounts["grace"], direct, {"text": "Lunch?"})
    mute = {"seconds": 86_400, "reason": "Advertising"}
    ada.http.put(f"/api/rooms/{launch}/mutes/{accounts['margaret'].user_id}", json=mute)
    for name, emoji in (("grace", "🎉"), ("linus", "🎉"), ("ada", "❤️")):
        with ChatSocket(server.ws_url, accounts[name].access_token) as socket:
            socket.command("react", cid=str(uuid.uuid4()), room=launch, seq=first + 2, emoji=emoji, on=True)


def _administrator(server: RunningServer, name: str) -> Account:
    chief = login(server.url, "admin", server.first_password)
    change = {"current_password": server.first_password, "new_password": PASSWORD}
    chief.http.post("/api/auth/password", json=change).raise_for_status()
    user_id = register(server.url, name).user_id
    chief.http.patch(f"/api/admin/users/{user_id}", json={"role": "admin"}).raise_for_status()
    return login(server.url, name)


def post(account: Account, room: str, body: dict[str, Any]) -> None:
    """Send a message over HTTP."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    account.http.post(f"/api/rooms/{room}/messages", json=body, headers=headers).raise_for_status()


def press(page: Page, selector: str) -> None:
    """Press an element, in the drawer if it is there on this screen."""
    node = page.locator(selector).first
    if node.evaluate("node => node.closest('#sidebar') !== null && matchMedia('(max-width: 52rem)').matches"):
        page.locator("#open-sidebar").click()
        expect(page.locator("#chat")).to_contain_class("drawer-open")
    node.click()


def open_room(page: Page, name: str) -> None:
    """Open a room by the sidebar."""
    press(page, f"[data-testid=room-link]:has-text('{name}')")
    expect(page.locator("#room-name")).to_have_text(name)


def close_all(page: Page) -> None:
    """Close what is open above the conversation. The first Escape may only clear a box or close a menu."""
    if page.locator("#suggestions").is_visible():
        page.locator("#draft").fill("")
    for _ in range(6):
        if page.locator(f"{DIALOG}, {MENU}, #members-panel:not([hidden]), .drawer-open").count() == 0:
            return
        page.keyboard.press("Escape")
        discard = page.locator("[role=alertdialog] .secondary")
        if discard.is_visible():  # a secret that is shown once
            discard.click()
    expect(page.locator(f"{DIALOG}, {MENU}, #members-panel:not([hidden]), .drawer-open")).to_have_count(0)


def loaded(place: Locator) -> None:
    """Wait until a list or a table has a row."""
    expect(place.locator("li, tbody tr").first).to_be_visible()


def _dialog_by(selector: str) -> Opening:
    def opening(page: Page) -> None:
        press(page, selector)
        expect(page.locator(DIALOG)).to_be_visible()

    return opening


def _list_by(selector: str) -> Opening:
    def opening(page: Page) -> None:
        press(page, selector)
        loaded(page.locator(f"{DIALOG} .search-list"))

    return opening


def _members(page: Page) -> None:
    press(page, "#open-members")
    expect(page.locator("#members-panel").get_by_text("margaret")).to_be_visible()
    for details in page.locator("#members-panel summary").all():
        details.click()
    loaded(page.locator("#members-panel .restrictions").first)


def _member_menu(page: Page) -> None:
    press(page, "#open-members")
    press(page, "#members-panel li:has-text('grace') [aria-haspopup=menu]")
    expect(page.locator(MENU)).to_be_visible()


def _mute(page: Page) -> None:
    _member_menu(page)
    press(page, f"{MENU} .destructive")
    expect(page.locator(f"{DIALOG} form")).to_be_visible()


def _invite(page: Page) -> None:
    press(page, "#open-members")
    press(page, "#members-panel .invite")
    loaded(page.locator(f"{DIALOG} .search"))


def _switcher(page: Page) -> None:
    page.keyboard.press("Control+k")
    loaded(page.locator("#switcher-list"))


def _shortcuts(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator(f"{DIALOG}.shortcuts")).to_be_visible()


def _search(page: Page) -> None:
    press(page, "#open-search")
    page.locator(f"{DIALOG} input[type=search]").fill("message")
    expect(page.get_by_test_id("search-hit").first).to_be_visible()


def _emoji(page: Page) -> None:
    press(page, "#insert-emoji")
    expect(page.locator("[role=grid]").first).to_be_visible()


def _completion(page: Page) -> None:
    page.locator("#draft").press_sequentially(":smil")
    loaded(page.locator("#suggestions"))


def _message_menu(page: Page) -> None:
    page.get_by_test_id("message").last.focus()
    page.keyboard.press("Enter")
    expect(page.locator(MENU)).to_be_visible()


def _room_settings(page: Page) -> None:
    press(page, "#open-room-settings")
    expect(page.locator(f"{DIALOG} form")).to_be_visible()
    press(page, f"{DIALOG} summary")


def _section(number: int) -> Opening:
    def opening(page: Page) -> None:
        press(page, "#open-settings")
        page.locator("#settings-nav button").nth(number).click()
        expect(page.locator("#settings-heading")).to_be_focused()
        body = page.locator("#settings-body")
        expect(body.locator(":scope > :nth-child(2)")).to_be_visible()
        if number not in (0, 1, 3, 4):
            expect(body.locator("li, tbody tr, .subtle[role=status]:not(:empty)").first).to_be_visible()
        for details in body.locator("summary").all():
            details.click()

    return opening


def _in_section(number: int, selector: str, shown: str) -> Opening:
    def opening(page: Page) -> None:
        _section(number)(page)
        press(page, f"#settings-body {selector}")
        expect(page.locator(shown).last).to_be_visible()

    return opening


def _user_sessions(page: Page) -> None:
    _in_section(5, "li:has-text('grace') [aria-haspopup=menu]", MENU)(page)
    page.locator(f"{MENU} [role=menuitem]:not(.destructive)").first.click()
    expect(page.locator(f"{DIALOG} tbody tr").first).to_be_visible()


def _invite_link(page: Page) -> None:
    _section(7)(page)
    press(page, "#settings-body form .primary")
    expect(page.get_by_test_id("secret")).to_be_visible()


def _totp_setup(page: Page) -> None:
    _section(1)(page)
    page.locator("#settings-body input[type=password]").fill(PASSWORD)
    press(page, "#settings-body form .primary")
    expect(page.locator(".qr-code")).to_be_visible()


def _question(page: Page) -> None:
    _in_section(5, "li:has-text('grace') [aria-haspopup=menu]", MENU)(page)
    page.locator(f"{MENU} .destructive").last.click()
    expect(page.locator(f"{DIALOG}.confirm")).to_be_visible()


def _step_up(page: Page) -> None:
    """The server asks for the password some minutes after it was entered."""
    refusal = {"error": {"code": "step_up_required", "message": "Enter your password again.", "retryable": False}}
    page.route("**/api/admin/users/*", lambda route: route.fulfill(status=403, json=refusal), times=1)
    _question(page)
    page.locator(f"{DIALOG}.confirm .destructive").click()
    expect(page.locator(f"{DIALOG}.step-up")).to_be_visible()


def _drawer(page: Page) -> None:
    if page.locator("#open-sidebar").is_visible():
        page.locator("#open-sidebar").click()


SCREENS: dict[str, Opening] = {
    "chat": lambda _page: None,
    "drawer": _drawer,
    "switcher": _switcher,
    "shortcuts": _shortcuts,
    "search": _search,
    "browse": _list_by("#browse-rooms"),
    "create": _dialog_by("#create-room"),
    "direct": _list_by("#start-direct"),
    "members": _members,
    "member-menu": _member_menu,
    "mute": _mute,
    "invite": _invite,
    "room-settings": _room_settings,
    "emoji": _emoji,
    "completion": _completion,
    "message-menu": _message_menu,
    **{section: _section(number) for number, section in enumerate(SECTIONS + ADMINISTRATION)},
    "second-factor-setup": _totp_setup,
    "invite-link": _invite_link,
    "question": _question,
    "step-up": _step_up,
    "user-menu": _in_section(5, "li:has-text('grace') [aria-haspopup=menu]", MENU),
    "user-sessions": _user_sessions,
    "room-administration": _in_section(6, "li:has-text('Launch') .secondary", ".room-administration form"),
    "room-takeover": _in_section(6, "li:has-text('Surprise') .secondary", ".room-administration .primary"),
}
"""In a chat that shows the room "Launch", with nothing open above it."""
