"""Messages that are not confirmed yet: when they disappear, and where the focus goes, on a scripted server."""

from playwright.sync_api import expect

from browser.chat_page import ChatPage, wait_for
from browser.scripted_server import ScriptedServer

REFUSED = {"code": "muted", "message": "you are muted until noon", "retryable": False}


def reload_after_many_messages(chat: ChatPage, scripted: ScriptedServer) -> None:
    """Add more messages than one join returns, and open the page as on a device that has loaded nothing before."""
    for number in range(80):
        scripted.append("message", text=f"m{number}", cid=f"x{number}", user={"id": "u-grace", "name": "grace"})
    chat.reload_without_copy()
    expect(chat.message("m79")).to_be_visible()


def test_message_whose_ack_and_event_were_missed_is_shown_once(chat: ChatPage, scripted: ScriptedServer) -> None:
    """Its ack was lost, and its event is older than what the join after the reload returns."""
    scripted.drops_acks = True
    chat.send("only once")
    expect(chat.pending).to_have_count(1)
    wait_for(chat.page, lambda: len(scripted.log) == 2)
    scripted.drops_acks = False
    reload_after_many_messages(chat, scripted)
    expect(chat.pending).to_have_count(0)
    chat.scroll_back_to(chat.message("only once"))


def test_failed_message_is_removed_when_its_event_is_loaded(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.send_errors = [REFUSED]
    chat.send("was it sent?")
    expect(chat.failed).to_have_count(1)
    (cid,) = (command["cid"] for command in scripted.commands if command["type"] == "send")
    scripted.append("message", text="was it sent?", cid=cid, user={"id": "u-ada", "name": "ada"})
    reload_after_many_messages(chat, scripted)
    expect(chat.failed).to_have_count(1)
    chat.scroll_back_to(chat.message("was it sent?"))
    expect(chat.failed).to_have_count(0)


def test_failed_message_is_announced_and_its_buttons_return_the_focus(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.send_errors = [REFUSED, REFUSED]
    chat.send("let me speak")
    expect(chat.page.get_by_role("status").filter(has_text="Not sent. You are muted until noon.")).to_have_count(1)
    chat.failed.get_by_role("button", name="Try again").press("Enter")
    expect(chat.composer).to_be_focused()
    wait_for(chat.page, lambda: scripted.send_errors == [])
    expect(chat.failed).to_have_count(1)
    chat.failed.get_by_role("button", name="Remove").press("Enter")
    expect(chat.failed).to_have_count(0)
    expect(chat.composer).to_be_focused()
