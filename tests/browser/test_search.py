"""The search in messages: on a real server, and on a scripted one for pages and errors."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.chat_page import ChatPage
from browser.scripted_server import ScriptedServer
from support.processes import wait_until
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """One server for all tests here."""
    with RunningServer() as running:
        yield running


class SearchDialog:
    """The dialog, opened by its keys."""

    def __init__(self, page: Page) -> None:
        page.keyboard.press("Control+Shift+F")
        self.node = page.get_by_role("dialog", name="Search messages")
        self.words = self.node.get_by_role("searchbox", name="Words")
        self.results = self.node.get_by_role("list", name="Results")
        self.hits = self.node.get_by_test_id("search-hit")
        self.status = self.node.locator(".search-results").get_by_role("status")
        expect(self.words).to_be_focused()

    def finds(self, count: int) -> bool:
        """Repeat the search, and return whether there are so many hits."""
        self.words.press("Enter")
        expect(self.results).to_have_attribute("aria-busy", "false")
        return self.hits.count() == count


def test_a_message_is_found_by_words_person_room_and_time_and_opened(
    server: RunningServer, open_page: OpenPage
) -> None:
    ada, bob = open_page(), open_page()
    ada.register(server.url, "ada1")
    bob.register(server.url, "bob1")
    bob.send("🍅🍅 <b>Tomatoes</b> are ripe, tomatoes!")
    ada.send("Which tomatoes?")
    expect(ada.messages).to_have_count(2)

    search = SearchDialog(ada.page)
    ada.page.keyboard.type("tomatoes")
    # The index has a message about a second after it was sent.
    wait_until(lambda: search.finds(2), "both messages are found")
    expect(search.status).to_have_text("2 messages")
    expect(search.hits.first).to_contain_text("Which tomatoes?")
    marked = search.hits.last.locator("mark")
    expect(marked).to_have_text(["Tomatoes", "tomatoes"])

    search.node.get_by_role("combobox", name="From").press_sequentially("bob")
    expect(search.node.get_by_role("option", name="bob1")).to_have_attribute("aria-selected", "true")
    ada.page.keyboard.press("Enter")
    expect(search.status).to_have_text("1 message")
    search.node.get_by_role("combobox", name="Where").select_option(label="This room: lobby")
    search.node.get_by_label("First day").fill("2099-01-01")
    expect(search.status).to_contain_text("No message matches.")
    search.node.get_by_label("First day").fill("")
    expect(search.status).to_have_text("1 message")

    search.words.press("ArrowDown")
    expect(search.hits.first).to_be_focused()
    ada.page.keyboard.press("Enter")
    expect(search.node).to_have_count(0)
    expect(ada.message("🍅🍅 <b>Tomatoes</b> are ripe, tomatoes!")).to_be_focused()
    assert "#/room/lobby/" in ada.page.url

    ada.composer.focus()
    again = SearchDialog(ada.page)
    expect(again.words).to_have_value("tomatoes")
    expect(again.status).to_have_text("1 message")
    again.hits.first.click()
    expect(ada.message("🍅🍅 <b>Tomatoes</b> are ripe, tomatoes!")).to_be_focused()


def hits(first: int, last: int) -> list[dict[str, Any]]:
    user = {"id": "u-grace", "name": "grace"}
    more = {"room": "lobby", "epoch": "e1", "user": user, "at": "2026-11-22T10:00:00Z", "highlights": [[0, 3]]}
    return [{**more, "seq": seq, "text": f"tea {seq} {'x' * 500}"} for seq in range(first, last, -1)]


def test_more_results_are_loaded_and_fit_on_every_screen(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/search"] = (200, {"hits": hits(40, 20), "next": "c1"}, {})
    search = SearchDialog(chat.page)
    chat.page.keyboard.type("tea")
    expect(search.status).to_have_text("The newest 20 messages")
    scripted.http_answers["/api/search"] = (200, {"hits": hits(20, 15), "next": None}, {})
    search.node.get_by_role("button", name="Show more").click()
    expect(search.hits).to_have_count(25)
    expect(search.hits.nth(20)).to_be_focused()
    for width in (320, 390, 600, 1280):
        chat.page.set_viewport_size({"width": width, "height": 640})
        assert overflow(search.node.locator(".modal-body")) <= 0, width


def overflow(node: Locator) -> int:
    """Return by how many pixels the content is wider than its box."""
    return int(node.evaluate("node => node.scrollWidth - node.clientWidth"))


def test_a_refused_search_says_what_to_do_and_a_limited_one_is_repeated(
    chat: ChatPage, scripted: ScriptedServer
) -> None:
    refusal = {"code": "bad_request", "message": "write at least one word that the messages must have", "field": "q"}
    scripted.http_answers["/api/search"] = (422, {"error": refusal}, {})
    search = SearchDialog(chat.page)
    chat.page.keyboard.type("-tea")
    alert = search.node.get_by_role("alert")
    expect(alert).to_have_text("Write at least one word that the messages must have.")
    limit = {"code": "rate_limited", "message": "too many searches", "retry_after_ms": 2000}
    scripted.http_answers["/api/search"] = (429, {"error": limit}, {})
    search.words.fill("tea")
    expect(alert).to_have_text("Too many searches. The search is repeated in 2 s.")
    scripted.http_answers["/api/search"] = (200, {"hits": hits(1, 0), "next": None}, {})
    expect(search.hits).to_have_count(1)
    expect(alert).to_be_hidden()


def test_a_search_that_cannot_be_loaded_says_so(chat: ChatPage) -> None:
    chat.page.context.route("**/search_dialog.js", lambda route: route.abort())
    chat.page.get_by_role("button", name="Search messages").click()
    expect(chat.page.get_by_role("alert")).to_contain_text("This part of the page could not be loaded.")
    chat.page.keyboard.press("Escape")
    chat.page.context.unroute("**/search_dialog.js")
    SearchDialog(chat.page)
