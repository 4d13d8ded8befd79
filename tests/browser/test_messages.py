"""What can be done with messages, on a real server: replies, edits, reactions, deletion, completion, markup."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import expect

from browser.chat_page import ChatPage
from support.accounts import login
from support.server import RunningServer
from support.socket import ChatSocket

OpenPage = Callable[[], ChatPage]


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as running:
        yield running


@pytest.fixture
def pages(server: RunningServer, open_page: OpenPage) -> tuple[ChatPage, ChatPage]:
    """The pages of ada and grace, in the lobby."""
    ada, grace = open_page(), open_page()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    return ada, grace


def test_messages_are_answered_changed_and_deleted_with_the_keyboard_alone(pages: tuple[ChatPage, ChatPage]) -> None:
    ada, grace = pages
    keyboard = ada.page.keyboard
    grace.send("first of grace")
    expect(ada.message("first of grace")).to_be_visible()
    ada.send("first of ada")
    expect(ada.message("first of ada")).to_be_visible()

    # Edit the last own message.
    keyboard.press("ArrowUp")
    expect(ada.composer).to_have_value("first of ada")
    keyboard.press("Escape")
    expect(ada.composer).to_have_value("")
    keyboard.press("ArrowUp")
    keyboard.type(" and more")
    keyboard.press("Enter")
    expect(grace.message("first of ada and more")).to_contain_text("edited")
    expect(ada.composer).to_have_value("")

    # React with the picker, from the menu of the message above.
    keyboard.press("Shift+Tab")
    expect(ada.messages.last).to_be_focused()
    keyboard.press("ArrowUp")
    expect(ada.message("first of grace")).to_be_focused()
    keyboard.press("Enter")
    expect(ada.page.get_by_role("menuitem", name="Add reaction")).to_be_focused()
    keyboard.press("Enter")
    expect(ada.page.get_by_role("searchbox", name="Search emoji")).to_be_focused()
    keyboard.type("party pop")
    keyboard.press("ArrowDown")
    expect(ada.page.get_by_role("gridcell", name="party popper")).to_be_focused()
    keyboard.press("Enter")
    reaction = grace.message("first of grace").get_by_role("button", name="🎉 1: ada")
    expect(reaction).to_have_attribute("aria-pressed", "false")
    reaction.press("Enter")
    expect(ada.message("first of grace").get_by_role("button", name="🎉 2: ada and grace")).to_be_visible()
    expect(ada.message("first of grace")).to_be_focused()

    # Reply, and what is typed goes to the composer.
    keyboard.press("Enter")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(ada.page.get_by_role("strong").get_by_text("Reply to grace")).to_be_visible()
    keyboard.type("an answer")
    keyboard.press("Enter")
    quote = grace.message("an answer").get_by_role("button", name="Reply to grace: first of grace")
    expect(quote).to_be_visible()
    quote.press("Enter")
    expect(grace.message("first of grace")).to_be_focused()
    grace.page.keyboard.type("typed anywhere")
    expect(grace.composer).to_have_value("typed anywhere")

    # Delete, after a question. The quote is the stop of the Tab key before its message.
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    expect(ada.message("an answer")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("End")
    keyboard.press("Enter")
    expect(ada.page.get_by_role("dialog", name="Delete").get_by_role("button", name="Cancel")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(grace.page.get_by_text("This message was deleted.")).to_be_visible()
    expect(grace.message("an answer")).to_have_count(0)


def test_names_and_emoji_are_completed_and_mentions_marked(pages: tuple[ChatPage, ChatPage]) -> None:
    ada, grace = pages
    keyboard = ada.page.keyboard
    ada.composer.focus()
    keyboard.type("hi @gr")
    expect(ada.page.get_by_role("option", name="grace")).to_have_attribute("aria-selected", "true")
    keyboard.press("Enter")
    keyboard.type(":tad")
    expect(ada.page.get_by_role("option", name="party popper")).to_be_visible()
    keyboard.press("Tab")
    expect(ada.composer).to_have_value("hi @grace 🎉 ")
    keyboard.press("Enter")
    expect(grace.messages.locator(".mention.self")).to_have_text("@grace")
    expect(ada.messages.locator(".mention")).to_have_text("@grace")


def test_markup_becomes_elements_and_code_is_coloured(pages: tuple[ChatPage, ChatPage]) -> None:
    ada, grace = pages
    ada.send("**bold** [docs](https://example.org/docs)\n> quote\n- item\n```python\nreturn 1\n```")
    text = grace.messages.get_by_test_id("text")
    expect(text.locator("strong")).to_have_text("bold")
    expect(text.get_by_role("link", name="docs")).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(text.locator("blockquote")).to_have_text("quote")
    expect(text.get_by_role("listitem")).to_have_text("item")
    expect(text.locator(".code-keyword")).to_have_text("return")


def test_a_quoted_message_far_back_is_loaded_and_shown(server: RunningServer, pages: tuple[ChatPage, ChatPage]) -> None:
    ada, grace = pages
    ada.send("the beginning")
    expect(grace.message("the beginning")).to_be_visible()
    row = grace.message("the beginning")
    row.hover()
    assert row.evaluate("""(row) => {
      const toolbar = row.querySelector(".row-toolbar");
      return toolbar.getBoundingClientRect().top >= row.getBoundingClientRect().top;
    }"""), "the toolbar hides nothing of the row above"
    row.get_by_role("button", name="Reply").click()
    account = login(server.url, "ada")
    with closing(account.http), ChatSocket(server.ws_url, account.access_token) as socket:
        for number in range(120):
            socket.send(f"number {number}")
    expect(grace.message("number 119")).to_be_visible()
    grace.send("late answer")
    expect(grace.message("late answer")).to_be_visible()
    grace.reload_without_copy()
    grace.wait_connected()
    grace.message("late answer").get_by_role("button", name="Reply to an earlier message").click()
    expect(grace.message("the beginning")).to_be_in_viewport()
    expect(grace.message("the beginning")).to_be_focused()
    grace.page.get_by_role("button", name="Jump to the newest").click()
    expect(grace.message("late answer")).to_be_in_viewport()
