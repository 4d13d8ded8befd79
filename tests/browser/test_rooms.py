"""Rooms and direct conversations on a real server, with several people at once."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from browser.chat_page import PASSWORD, ChatPage, wait_for
from support.accounts import register
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]
PHONE = {"width": 320, "height": 640}
RECORD_NOTIFICATIONS = """
    window.shown = [];
    window.Notification = class {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title, options) { window.shown.push(`${title}: ${options.body}`); }
      close() {}
    };
    Object.defineProperty(document, "hasFocus", { value: () => false });
    window.tones = 0;
    window.AudioContext = class extends AudioContext {
      constructor() { super(); window.tones += 1; }
    };
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One server for all tests here. Each test uses names of its own."""
    with RunningServer() as running:
        yield running


def room_link(page: Page, name: str) -> Locator:
    """Return the link of a room in the sidebar."""
    return page.get_by_test_id("room-link").filter(has_text=name)


def expect_room(page: Page, name: str) -> None:
    """Wait until a room is shown."""
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def isolated(name: str) -> str:
    """Return a name as it stands in a notice: isolated, so that it cannot reorder the sentence."""
    return f"\u2068{name}\u2069"


def create_room(page: Page, name: str, *, private: bool = False) -> None:
    """Create a room by its dialog."""
    page.get_by_role("button", name="New room").click()
    dialog = page.get_by_role("dialog", name="New room")
    dialog.get_by_label("Name").fill(name)
    if private:
        dialog.get_by_label("Who can read it").select_option("private")
    dialog.get_by_role("button", name="Create room").click()
    expect_room(page, name)


def test_a_room_is_created_found_and_joined_and_unread_messages_are_counted(
    server: RunningServer, open_page: OpenPage
) -> None:
    ada, bob = open_page(), open_page()
    ada.register(server.url, "ada1")
    bob.register(server.url, "bob1")
    create_room(ada.page, "Garden1")
    expect(ada.composer).to_be_focused()
    ada.send("First tomato of the year")
    carl = open_page()
    carl.register(server.url, "carl1")
    carl.page.goto(ada.page.url)
    expect(carl.page.get_by_text("You are not a member of Garden1.")).to_be_visible()
    carl.page.get_by_role("button", name="Join", exact=True).click()
    expect_room(carl.page, "Garden1")
    expect(carl.composer).to_be_focused()

    bob.page.get_by_role("button", name="Browse rooms").click()
    dialog = bob.page.get_by_role("dialog", name="Browse rooms")
    dialog.get_by_label("Search public rooms").fill("gard")
    dialog.get_by_role("button", name="Join Garden1").click()
    expect_room(bob.page, "Garden1")
    expect(bob.messages.last).to_contain_text("First tomato")
    expect(ada.page.get_by_text(f"{isolated('bob1')} joined.")).to_be_visible()

    room_link(ada.page, "lobby").click()
    expect_room(ada.page, "lobby")
    bob.send("Lovely")
    bob.send("Did you see it, @ada1?")
    expect(room_link(ada.page, "Garden1").get_by_test_id("unread-count")).to_contain_text("2 unread, 1 mention")
    expect(ada.page).to_have_title("(2) lobby – cloudchat")
    room_link(ada.page, "Garden1").hover()
    ada.page.mouse.down()
    bob.send("It is red")
    expect(ada.page).to_have_title("(3) lobby – cloudchat")
    ada.page.mouse.up()  # the new count has not replaced the pressed link
    expect_room(ada.page, "Garden1")
    ada.page.go_back()
    expect_room(ada.page, "lobby")
    ada.page.go_back()
    expect_room(ada.page, "Garden1")
    expect(ada.messages.last).to_contain_text("It is red")
    expect(ada.page.get_by_test_id("unread-count")).to_have_count(0)
    expect(ada.page).to_have_title("Garden1 – cloudchat")
    ada.page.reload()
    expect_room(ada.page, "Garden1")
    expect(ada.page.get_by_test_id("unread-count")).to_have_count(0)


def test_a_direct_conversation_is_opened_by_the_keyboard_alone(server: RunningServer, open_page: OpenPage) -> None:
    ada, bob = open_page(), open_page()
    ada.register(server.url, "ada2")
    bob.register(server.url, "bob2")
    ada.page.keyboard.press("Control+k")
    switcher = ada.page.get_by_role("combobox", name="Name of a room or a person")
    expect(switcher).to_be_focused()
    ada.page.keyboard.type("bob2")
    expect(ada.page.get_by_role("option", name="bob2")).to_have_attribute("aria-selected", "true")
    ada.page.keyboard.press("Enter")
    expect_room(ada.page, "bob2")
    expect(ada.composer).to_be_focused()
    ada.page.keyboard.type("psst")
    ada.page.keyboard.press("Enter")
    expect(ada.messages.last).to_contain_text("psst")
    expect(room_link(ada.page, "bob2")).to_contain_text("online")

    expect(room_link(bob.page, "ada2").get_by_test_id("unread-count")).to_contain_text("1 unread")
    bob.page.keyboard.press("Alt+Shift+ArrowDown")
    expect_room(bob.page, "ada2")
    expect(bob.messages.last).to_contain_text("psst")
    expect(ada.messages.last.get_by_test_id("seen")).to_have_text("Seen")
    bob.composer.press_sequentially("wha")
    expect(ada.page.get_by_text("bob2 is typing…")).to_be_visible()
    bob.page.context.close()
    expect(room_link(ada.page, "bob2")).to_contain_text("offline")


def test_an_address_of_a_message_survives_the_sign_in(server: RunningServer, open_page: OpenPage) -> None:
    ada, bob = open_page(), open_page()
    register(server.url, "bob3").http.close()
    ada.register(server.url, "ada3")
    ada.send("look here")
    expect(ada.messages.last).to_contain_text("look here")
    seq = ada.seqs()[-1]

    bob.page.goto(f"{server.url}/#/room/lobby/{seq}")
    bob.sign_in("bob3")
    bob.wait_connected()
    expect(bob.message("look here")).to_be_in_viewport()
    assert bob.page.url.endswith(f"#/room/lobby/{seq}")
    bob.page.goto(f"{server.url}/#/room/nowhere")
    expect(bob.page.get_by_text("This room does not exist, or you are not a member of it.")).to_be_visible()
    bob.page.go_back()
    expect_room(bob.page, "lobby")


def test_members_are_invited_get_roles_and_are_removed(server: RunningServer, open_page: OpenPage) -> None:
    ada, bob = open_page(), open_page()
    ada.register(server.url, "ada4")
    bob.register(server.url, "bob4")
    create_room(ada.page, "Office4", private=True)
    ada.page.get_by_role("button", name="Members", exact=True).click()
    panel = ada.page.get_by_role("complementary", name="Members")
    panel.get_by_role("button", name="Invite people").click()
    dialog = ada.page.get_by_role("dialog", name="Invite to Office4")
    dialog.get_by_label("Name of a person").fill("bob4")
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    searches: list[Route] = []
    ada.page.route("**/api/users?*", lambda route: searches.append(route), times=1)
    dialog.get_by_label("Name of a person").fill("bob")
    wait_for(ada.page, lambda: searches)
    dialog.get_by_role("button", name="Invite bob4").hover()
    ada.page.mouse.down()
    with ada.page.expect_response("**/api/users?*") as answer:
        searches[0].continue_()
    answer.value.finished()
    ada.page.mouse.up()  # the people who were found have not replaced the pressed row
    expect(dialog.get_by_text("bob4 is now a member.")).to_be_visible()
    ada.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    room_link(bob.page, "Office4").click()
    expect_room(bob.page, "Office4")
    actions = panel.get_by_role("button", name="Actions for bob4")
    actions.click()
    ada.page.get_by_role("menuitemradio", name="Make Reader").click()
    expect(panel.get_by_role("listitem").filter(has_text="bob4")).to_contain_text("Reader")
    expect(bob.page.get_by_text(f"{isolated('ada4')} changed your role: Reader.")).to_be_visible()
    expect(bob.composer).not_to_be_editable()
    room_link(bob.page, "lobby").click()
    expect_room(bob.page, "lobby")

    actions.click()
    ada.page.get_by_role("menuitem", name="Remove from this room").click()
    expect(ada.page.get_by_role("dialog")).to_contain_text("only when an owner invites")
    ada.page.get_by_role("dialog").get_by_role("button", name="Remove from this room").click()
    expect(panel.get_by_role("listitem")).to_have_count(1)
    expect(room_link(bob.page, "Office4")).to_have_count(0)
    expect(bob.page.locator("#composer-note")).to_have_text("You are no longer a member of Office4.")


def test_an_owner_changes_and_archives_a_room(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada5")
    create_room(ada.page, "Shed5")
    about = ada.page.get_by_role("button", name="About this room")
    about.click()
    dialog = ada.page.get_by_role("dialog", name="About Shed5")
    dialog.get_by_label("Topic").fill("Tools")
    dialog.get_by_label("Time between two messages").select_option("30")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Saved.")).to_be_visible()
    expect(ada.page.get_by_text(f"You changed the topic: {isolated('Tools')}")).to_be_visible()
    dialog.get_by_role("button", name="Archive room").click()
    ada.page.get_by_role("dialog", name="Archive room").get_by_role("button", name="Archive room").click()
    expect(dialog).to_have_count(0)
    expect(room_link(ada.page, "Shed5")).to_contain_text("archived")
    expect(ada.composer).not_to_be_editable()
    about.click()
    ada.page.get_by_role("button", name="Leave room").click()
    ada.page.get_by_role("dialog", name="Leave room").get_by_role("button", name="Leave room").click()
    expect_room(ada.page, "lobby")
    expect(room_link(ada.page, "Shed5")).to_have_count(0)


def test_back_closes_what_lies_above_the_conversation_on_a_phone(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    ada.register(server.url, "ada6")
    menu = ada.page.get_by_role("button", name="Rooms", exact=True)
    sidebar = ada.page.get_by_role("navigation", name="Rooms and direct messages")
    url = ada.page.url
    menu.click()
    expect(sidebar).to_be_in_viewport()
    expect(sidebar.get_by_text("ada6")).to_be_visible()
    expect(room_link(ada.page, "lobby")).to_be_focused()
    ada.page.go_back()
    expect(sidebar).not_to_be_visible()
    menu.click()
    ada.page.get_by_role("button", name="Browse rooms").click()
    expect(ada.page.get_by_role("dialog", name="Browse rooms")).to_be_visible()
    ada.page.go_back()
    expect(ada.page.get_by_role("dialog")).to_have_count(0)
    ada.page.get_by_role("button", name="Settings").click()
    expect(ada.page.get_by_role("dialog", name="Settings")).to_be_visible()  # it is loaded when it is first opened
    ada.page.go_back()
    expect(ada.page.get_by_role("dialog")).to_have_count(0)
    assert ada.page.url == url
    ada.page.keyboard.press("Escape")
    expect(sidebar).not_to_be_visible()
    expect(menu).to_be_focused()
    assert ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_notifications_come_only_after_the_user_asked_for_them(server: RunningServer, open_page: OpenPage) -> None:
    ada, bob = open_page(), open_page()
    ada.page.add_init_script(RECORD_NOTIFICATIONS)
    ada.register(server.url, "ada7")
    bob.register(server.url, "bob7")
    bob.send("@ada7 one")
    expect(ada.messages.last).to_contain_text("one")
    assert ada.page.evaluate("shown") == []
    ada.page.get_by_role("button", name="Settings").click()
    ada.page.get_by_role("button", name="Notifications").click()
    ada.page.get_by_role("button", name="Turn on notifications").click()
    expect(ada.page.get_by_text("Notifications are on in this browser.")).to_be_visible()
    ada.page.keyboard.press("Escape")
    bob.send("not for her")
    bob.send("@ada7 two")
    ada.page.wait_for_function("() => shown.length > 0")
    assert ada.page.evaluate("shown") == ["bob7 in lobby: @ada7 two"]
    assert ada.page.evaluate("tones") == 0

    def in_settings(label: str) -> None:
        ada.page.get_by_role("button", name="Settings").click()
        ada.page.get_by_role("button", name="Notifications", exact=True).click()
        ada.page.get_by_label(label).click()
        ada.page.keyboard.press("Escape")

    def in_this_room(choice: str) -> None:
        ada.page.get_by_role("button", name="About this room").click()
        ada.page.get_by_label("Notify me on this device of").select_option(choice)
        ada.page.keyboard.press("Escape")

    in_settings("Play a sound")  # and hear it once
    ada.page.wait_for_function("() => tones === 1")
    for choice, text in (("all", "three"), ("nothing", "@ada7 four"), ("mentions", "@ada7 five")):
        in_this_room(choice)
        bob.send(text)
        expect(ada.messages.last).to_contain_text(text)
    in_settings("Do not disturb")
    bob.send("@ada7 six")
    expect(ada.messages.last).to_contain_text("six")
    assert ada.page.evaluate("shown") == [
        "bob7 in lobby: @ada7 two",
        "bob7 in lobby: three",
        "bob7 in lobby: @ada7 five",
    ]
    assert ada.page.evaluate("tones") > 1
    ada.page.reload()
    ada.wait_connected()
    assert ada.page.evaluate("JSON.parse(localStorage['cloudchat.notifications']).doNotDisturb") is True


@pytest.fixture
def german(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="de-DE")
    yield context
    context.close()


def test_the_chat_speaks_german_and_keeps_the_chosen_colours(server: RunningServer, german: BrowserContext) -> None:
    register(server.url, "ada8").http.close()
    ada = ChatPage(german.new_page())
    ada.page.goto(server.url)
    expect(ada.page.get_by_role("heading", name="Willkommen bei cloudchat")).to_be_visible()
    ada.page.get_by_label("Benutzername").fill("ada8")
    ada.page.get_by_label("Passwort", exact=True).fill(PASSWORD)
    ada.page.get_by_role("button", name="Anmelden").click()
    ada.wait_connected()
    assert ada.page.evaluate("document.documentElement.lang") == "de"
    ada.page.get_by_role("button", name="Räume finden").click()
    expect(ada.page.get_by_role("dialog", name="Räume finden").get_by_text("Mitglied").first).to_be_visible()
    ada.page.keyboard.press("Escape")
    ada.page.get_by_role("button", name="Einstellungen").click()
    ada.page.get_by_role("button", name="Darstellung").click()
    ada.page.get_by_label("Farben").select_option("dark")
    expect(ada.page.locator("body")).to_have_css("background-color", "rgb(15, 17, 26)")
    ada.page.reload()
    ada.wait_connected()
    expect(ada.page.locator("body")).to_have_css("background-color", "rgb(15, 17, 26)")
