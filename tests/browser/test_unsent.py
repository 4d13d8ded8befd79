"""What is not sent yet, or seems so: where it stands, and where the person stands after dealing with it."""

from playwright.sync_api import expect

from browser.chat_page import ChatPage
from browser.scripted_server import ScriptedServer
from support.processes import wait_until

REFUSED = {"code": "muted", "message": "you are muted until noon", "retryable": False}


def come_back_after_much(chat: ChatPage, scripted: ScriptedServer) -> None:
    """More is said than a page is shown when it is back."""
    for number in range(80):
        scripted.write("message", text=f"m{number}", cid=f"x{number}", user={"id": "u-grace", "name": "grace"})
    chat.page.reload()
    expect(chat.says("m79")).to_be_visible()


def test_a_message_that_was_passed_over_is_shown_once(chat: ChatPage, scripted: ScriptedServer) -> None:
    """Its ack got lost, and until the page is back so much was said that its event is not among the newest."""
    scripted.deaf_after_storing = True
    chat.write("only once")
    expect(chat.pending).to_have_count(1)
    wait_until(lambda: chat.page.evaluate("true") and len(scripted.log) == 2, "it is stored")
    scripted.deaf_after_storing = False
    come_back_after_much(chat, scripted)
    expect(chat.pending).to_have_count(0)
    chat.scroll_to_top()
    expect(chat.says("only once")).to_have_count(1)


def test_an_unclear_message_is_settled_by_paging_back_to_it(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.errors = [REFUSED]
    chat.write("was it sent?")
    expect(chat.failed).to_have_count(1)
    (cid,) = (command["cid"] for command in scripted.commands if command["type"] == "send")
    scripted.write("message", text="was it sent?", cid=cid, user={"id": "u-ada", "name": "ada"})
    come_back_after_much(chat, scripted)
    expect(chat.failed).to_have_count(1)
    chat.scroll_to_top()
    expect(chat.says("was it sent?")).to_be_attached()
    expect(chat.failed).to_have_count(0)


def test_a_failed_message_is_said_and_dealing_with_it_leads_back_to_the_draft(
    chat: ChatPage, scripted: ScriptedServer
) -> None:
    scripted.errors = [REFUSED, REFUSED]
    chat.write("let me speak")
    expect(chat.page.get_by_role("status").filter(has_text="Not sent. You are muted until noon.")).to_have_count(1)
    chat.failed.get_by_role("button", name="Try again").press("Enter")
    expect(chat.box).to_be_focused()
    expect(chat.failed).to_have_count(1)
    chat.failed.get_by_role("button", name="Remove").press("Enter")
    expect(chat.failed).to_have_count(0)
    expect(chat.box).to_be_focused()
