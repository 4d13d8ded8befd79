"""Reading and writing in a conversation: what is shown on demand, where keys go, and what every limit says."""

import re

from playwright.sync_api import expect

from browser.chat_page import ChatPage
from browser.scripted_server import ScriptedServer

LOOK = "node => [getComputedStyle(node).opacity, getComputedStyle(node).clipPath].join()"


def test_each_message_of_a_group_shows_its_time_when_pointed_at_or_focused(
    chat: ChatPage, scripted: ScriptedServer
) -> None:
    scripted.add_message("two")
    scripted.add_message("mine", name="ada")
    scripted.add_message("mine too", name="ada")
    expect(chat.messages).to_have_count(4)
    for text, part in (("two", ".gutter-time"), ("mine too", ".byline")):
        row = chat.messages.filter(has=chat.page.get_by_text(text, exact=True))
        time = row.locator(part)
        expect(time.locator("time")).to_have_attribute("title", re.compile("2026"))
        chat.composer.hover()
        hidden = time.evaluate(LOOK)
        row.hover()
        shown = time.evaluate(LOOK)
        assert shown != hidden
        chat.composer.hover()
        row.focus()
        assert time.evaluate(LOOK) == shown
        chat.composer.focus()


def test_keys_that_are_typed_in_the_conversation_go_to_the_composer(chat: ChatPage, scripted: ScriptedServer) -> None:
    chat.page.get_by_role("region", name="Conversation").focus()
    chat.page.keyboard.type("hello")
    expect(chat.composer).to_have_value("hello")
    chat.messages.last.focus()
    chat.page.keyboard.type("!")
    expect(chat.composer).to_have_value("hello!")
    chat.composer.fill("")
    # A word that an input method has not finished is not sent, and its Enter is the method's.
    session = chat.page.context.new_cdp_session(chat.page)
    session.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    chat.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    assert scripted.count_commands("send") == 0
    session.send("Input.insertText", {"text": "日本"})
    chat.composer.press("Enter")
    expect(chat.message("日本")).to_be_visible()
    chat.composer.press("ArrowUp")
    expect(chat.composer).to_have_value("日本")
    expect(chat.page.locator(".composer-mode")).to_contain_text("Edit message")


def test_links_keep_their_form_in_every_direction(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.add_message("ראו www.example.org/a_b?c=1 עכשיו")
    link = chat.page.get_by_role("link", name="www.example.org/a_b?c=1")
    expect(link).to_have_attribute("href", "https://www.example.org/a_b?c=1")
    # Isolated: the punctuation of the address is not reordered by the Hebrew around it.
    assert link.evaluate("node => getComputedStyle(node.parentElement).unicodeBidi") == "isolate"
    # The line is below the underscores, and not interrupted by them.
    assert link.evaluate("node => parseFloat(getComputedStyle(node).textUnderlineOffset)") >= 3


def test_what_arrives_below_is_counted_and_reached(chat: ChatPage, scripted: ScriptedServer) -> None:
    for number in range(60):
        scripted.add_message(f"message {number}")
    expect(chat.message("message 59")).to_be_in_viewport()
    region = chat.page.get_by_role("region", name="Conversation")
    region.evaluate("node => { node.scrollTop -= 1500; }")
    for number in range(3):
        scripted.add_message(f"late {number}")
    jump = chat.page.get_by_role("button", name="3 new below")
    jump.click()
    expect(chat.message("late 2")).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_a_gap_is_shown_and_can_be_loaded(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.refuses_replay = True
    for number in range(80):
        scripted.append("message", text=f"missed {number}", cid=f"m{number}", user={"id": "u-grace", "name": "grace"})
    scripted.close(1012)
    expect(chat.message("missed 79")).to_be_visible()
    chat.scroll_to_gap()
    expect(chat.gap).to_contain_text("Some messages are missing here.")
    chat.gap.get_by_role("button").click()
    expect(chat.gap).to_have_count(0)
    expect(chat.message("one")).to_be_attached()


def test_every_limit_says_what_to_do_and_how_long(chat: ChatPage, scripted: ScriptedServer) -> None:
    send = chat.page.get_by_role("button", name="Send")
    note = chat.page.locator("#composer-note")
    chat.composer.fill("x" * 3_990)
    expect(note).to_have_text("10 characters left")
    chat.composer.fill("x" * 4_500)
    expect(send).to_be_disabled()
    expect(note).to_have_text("500 characters too long")
    chat.composer.fill("")
    chat.page.keyboard.insert_text("y" * 20_000)
    expect(note).to_contain_text("Not inserted: the message would be 16000 characters too long")
    expect(chat.composer).to_have_value("")
    refusal = {"code": "muted", "message": "you are muted", "retryable": False, "retry_after_ms": 90_000}
    scripted.send_errors.append(refusal)
    chat.send("too soon")
    expect(note).to_contain_text(re.compile(r"1 min \d+ s"))
    expect(send).to_be_disabled()
