"""Reading in the page: what scrolling asks of the server, what is where, what is spoken and where the focus goes."""

from playwright.sync_api import Page, expect

from browser.chat_page import ChatPage
from browser.scripted_server import ORIGIN, ScriptedServer

GRACE = {"id": "u-grace", "name": "grace"}
AWAY = {"type": "error", "code": "unavailable", "message": "away", "retryable": True, "retry_after_ms": 60_000}


def written(scripted: ScriptedServer, first: int, last: int) -> None:
    for number in range(first, last + 1):
        scripted.write("message", text=f"m{number}", cid=f"x{number}", user=GRACE)


def opened(ada: ChatPage, scripted: ScriptedServer, messages: int) -> None:
    written(scripted, 1, messages)
    ada.page.goto(ORIGIN)
    ada.is_connected()
    expect(ada.says(f"m{messages}")).to_be_in_viewport()


def frames(page: Page, count: int) -> None:
    """Let the page draw that often: what it does on every frame, it has done by then."""
    page.evaluate("async (count) => { for (; count > 0; count -= 1) await new Promise(requestAnimationFrame); }", count)


def test_history_that_fails_is_not_asked_for_with_every_frame(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.replies["history"] = lambda command: [{**AWAY, "id": command["id"]}]
    opened(ada, scripted, 120)
    ada.scroll_to_top()
    expect(ada.page.get_by_text("Loading older messages…")).to_be_visible()
    for _ in range(5):
        frames(ada.page, 5)
        ada.scroll_to_top()
    assert scripted.count("history") == 1
    scripted.close(1006)
    del scripted.replies["history"]
    expect(ada.says("m21")).to_be_attached()


def test_above_an_earlier_numbering_nothing_is_asked_for(ada: ChatPage, scripted: ScriptedServer) -> None:
    opened(ada, scripted, 120)
    scripted.log, scripted.epoch = [], "e2"
    scripted.say("anew")
    expect(ada.says("anew")).to_be_visible()
    ada.scroll_to_top()
    frames(ada.page, 10)
    assert scripted.count("history") == 0
    expect(ada.page.get_by_text("This is where the conversation begins.")).to_be_hidden()
