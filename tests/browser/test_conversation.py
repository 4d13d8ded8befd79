"""Reading and writing on a real server."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from browser.chat_page import ChatPage
from support.accounts import register
from support.server import RunningServer
from support.socket import ChatSocket

OpenPage = Callable[[], ChatPage]

HOSTILE = [
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "javascript:alert(document.domain)",
    "&lt;b&gt;not an entity&lt;/b&gt;",
    "\"><svg onload=document.title='owned'>",
    "${alert(1)} {{7*7}}",
    "\u202eright to left, and \u0300 combining",
]


@pytest.fixture
def unlimited() -> Iterator[RunningServer]:
    """A server with a high limit on sends."""
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as running:
        yield running


def test_scrolling_back_reaches_the_first_message_without_moving_the_view(
    unlimited: RunningServer, open_page: OpenPage
) -> None:
    with ChatSocket(unlimited.ws_url, register(unlimited.url, "grace").access_token) as grace:
        for number in range(1, 181):
            assert grace.send(f"message {number}")["type"] == "ack"
        ada = open_page()
        ada.register(unlimited.url, "ada")
        expect(ada.message("message 180")).to_be_in_viewport()
        scroller = ada.page.get_by_role("region", name="Conversation")
        height = scroller.evaluate("node => node.scrollHeight")

        scroller.evaluate("node => { node.scrollTop = 1.5 * node.clientHeight; }")
        reading = ada.message("message 133")
        expect(reading).to_be_attached()
        top = "node => node.getBoundingClientRect().top"
        # In one step, so that no older page arrives in between.
        before = reading.evaluate(f"node => {{ node.closest('#timeline').scrollTop = 10; return ({top})(node); }}")
        ada.page.wait_for_function(
            "height => document.getElementById('timeline').scrollHeight > height + 500", arg=height
        )
        assert abs(reading.evaluate(top) - before) <= 1

        grace.send("while you read")
        expect(ada.page.get_by_role("button", name="1 new below")).to_be_visible()
        ada.scroll_back_to(ada.message("message 1"))
        expect(ada.page.get_by_text("This is the beginning of the conversation.")).to_be_visible()
        ada.page.get_by_role("button", name="1 new below").click()
        assert ada.seqs() == list(range(1, 182))
        expect(ada.message("while you read")).to_be_in_viewport()


def test_hostile_messages_stay_text(unlimited: RunningServer, open_page: OpenPage) -> None:
    ada, grace = open_page(), open_page()
    ada.register(unlimited.url, "ada")
    grace.register(unlimited.url, "grace")
    for text in HOSTILE:
        ada.send(text)
    for page in (ada, grace):
        expect(page.messages).to_have_count(len(HOSTILE))
        assert page.messages.get_by_test_id("text").all_text_contents() == HOSTILE
        assert page.messages.locator(".message-body").locator("script, img, svg, b, a").count() == 0
        assert page.page.title() == "lobby – cloudchat"


def test_links_send_no_referrer_and_no_opener(unlimited: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(unlimited.url, "ada")
    ada.send("look: https://example.org/a?b=1, nice")
    link = ada.messages.get_by_role("link")
    expect(link).to_have_attribute("href", "https://example.org/a?b=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_chat_is_usable_with_the_keyboard_alone(unlimited: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(unlimited.url, "ada")
    expect(ada.composer).to_be_focused()
    keyboard = ada.page.keyboard
    keyboard.type("one line")
    keyboard.press("Shift+Enter")
    keyboard.type("and another")
    keyboard.press("Enter")
    expect(ada.messages.get_by_test_id("text")).to_have_text("one line\nand another", use_inner_text=True)
    expect(ada.composer).to_be_focused()
    expect(ada.composer).to_have_value("")
    keyboard.press("Enter")
    keyboard.type("   ")
    keyboard.press("Enter")
    keyboard.press("Shift+Tab")
    expect(ada.messages).to_be_focused()
    keyboard.press("Shift+Tab")
    expect(ada.page.get_by_role("region", name="Conversation")).to_be_focused()
    for _ in range(4):
        keyboard.press("Shift+Tab")
    expect(ada.page.get_by_role("button", name="Sign out")).to_be_focused()
    keyboard.press("Enter")
    expect(ada.page.get_by_label("Username")).to_be_focused()
    assert ada.texts() == []


def test_too_long_message_is_not_sent_and_not_lost(unlimited: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(unlimited.url, "ada")
    # Counted like on the server: an emoji is one character.
    ada.send("\U0001f600" * 4001)
    expect(ada.page.get_by_role("status").get_by_text("1 character too long")).to_be_visible()
    expect(ada.composer).to_have_value("\U0001f600" * 4001)
    ada.send("\U0001f600" * 4000)
    expect(ada.messages).to_have_count(1)
    expect(ada.failed).to_have_count(0)
