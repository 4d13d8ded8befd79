"""Reading and writing in the real chat."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from browser.chat_page import ChatPage
from support.accounts import register
from support.server import RunningServer
from support.socket import ChatSocket

People = Callable[[], ChatPage]

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
def lively() -> Iterator[RunningServer]:
    """A server that lets one test write as much as it needs."""
    with RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as running:
        yield running


def test_scrolling_back_reaches_the_first_message_and_keeps_the_place(lively: RunningServer, person: People) -> None:
    with ChatSocket(lively.ws_url, register(lively.url, "grace").access_token) as grace:
        for number in range(1, 181):
            assert grace.send(f"message {number}")["type"] == "ack"
        ada = person()
        ada.register(lively.url, "ada")
        expect(ada.says("message 180")).to_be_in_viewport()
        assert ada.seqs() == list(range(131, 181))

        reading = ada.says("message 133")
        top = "node => node.getBoundingClientRect().top"
        # In one step, so that the older page can't come in between.
        before = reading.evaluate(f"node => {{ node.closest('#timeline').scrollTop = 10; return ({top})(node); }}")
        expect(ada.says("message 81")).to_be_attached()
        assert abs(reading.evaluate(top) - before) <= 1

        grace.send("while you read")
        expect(ada.page.get_by_role("button", name="1 new below")).to_be_visible()
        for first in (31, 1):
            ada.scroll_to_top()
            expect(ada.says(f"message {first}")).to_be_attached()
        ada.scroll_to_top()
        expect(ada.page.get_by_text("This is the beginning of the conversation.")).to_be_visible()
        assert ada.seqs() == list(range(1, 182))
        ada.page.get_by_role("button", name="1 new below").click()
        expect(ada.says("while you read")).to_be_in_viewport()


def test_what_people_write_stays_text(lively: RunningServer, person: People) -> None:
    ada, grace = person(), person()
    ada.register(lively.url, "ada")
    grace.register(lively.url, "grace")
    for text in HOSTILE:
        ada.write(text)
    for page in (ada, grace):
        expect(page.messages).to_have_count(len(HOSTILE))
        assert page.messages.get_by_test_id("text").all_text_contents() == HOSTILE
        assert page.messages.locator("script, img, svg, b, a").count() == 0
        assert page.page.title() == "cloudchat"


def test_a_web_address_is_a_link_that_gives_nothing_away(lively: RunningServer, person: People) -> None:
    ada = person()
    ada.register(lively.url, "ada")
    ada.write("look: https://example.org/a?b=1, nice")
    link = ada.messages.get_by_role("link")
    expect(link).to_have_attribute("href", "https://example.org/a?b=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_the_keyboard_alone_is_enough(lively: RunningServer, person: People) -> None:
    ada = person()
    ada.register(lively.url, "ada")
    expect(ada.box).to_be_focused()
    keyboard = ada.page.keyboard
    keyboard.type("one line")
    keyboard.press("Shift+Enter")
    keyboard.type("and another")
    keyboard.press("Enter")
    expect(ada.messages.get_by_test_id("text")).to_have_text("one line\nand another", use_inner_text=True)
    expect(ada.box).to_be_focused()
    expect(ada.box).to_have_value("")
    keyboard.press("Enter")
    keyboard.type("   ")
    keyboard.press("Enter")
    keyboard.press("Shift+Tab")
    expect(ada.page.get_by_role("region", name="Conversation")).to_be_focused()
    keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    expect(ada.page.get_by_label("Username")).to_be_focused()
    assert ada.texts() == []


def test_a_message_that_is_too_long_is_not_sent_and_not_lost(lively: RunningServer, person: People) -> None:
    ada = person()
    ada.register(lively.url, "ada")
    # Counted as the server counts: an emoji is one character.
    ada.write("\U0001f600" * 4001)
    expect(ada.page.get_by_role("status").get_by_text("1 character too long")).to_be_visible()
    expect(ada.box).to_have_value("\U0001f600" * 4001)
    ada.write("\U0001f600" * 4000)
    expect(ada.messages).to_have_count(1)
    expect(ada.failed).to_have_count(0)
