"""What is written, copied and folded, in a real layout. The rules themselves are tested in `tests/frontend`."""

import pytest
from playwright.sync_api import Browser, expect

from browser.chat_page import ChatPage
from browser.scripted_server import ORIGIN, ScriptedServer

DISTANCE = "node => node.scrollHeight - node.scrollTop - node.clientHeight"


@pytest.fixture
def timeline(chat: ChatPage, scripted: ScriptedServer) -> ChatPage:
    """A conversation of several screens."""
    for number in range(60):
        scripted.add_message(f"message {number}")
    expect(chat.message("message 59")).to_be_in_viewport()
    return chat


def distance(chat: ChatPage) -> int:
    return int(chat.page.get_by_role("region", name="Conversation").evaluate(DISTANCE))


def test_a_tall_message_is_folded(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.add_message("first\n" + "\n" * 3_900 + "last")
    fold = chat.page.get_by_role("button", name="Show more")
    expect(fold).to_be_in_viewport()
    bubble = chat.messages.last.get_by_test_id("text")
    assert bubble.bounding_box()["height"] < 700  # type: ignore[index]
    fold.click()
    expect(chat.page.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")
    assert bubble.bounding_box()["height"] > 50_000  # type: ignore[index]
    chat.page.get_by_role("button", name="Show less").click()
    expect(fold).to_have_attribute("aria-expanded", "false")
    assert bubble.bounding_box()["height"] < 700  # type: ignore[index]


def test_stacked_combining_marks_stay_in_their_message(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.add_message("Z" + "\u0301" * 60)
    expect(chat.messages).to_have_count(2)
    assert chat.messages.last.get_by_test_id("text").evaluate("node => getComputedStyle(node).overflow") == "clip"


def test_copied_messages_have_only_what_is_seen(chat: ChatPage, scripted: ScriptedServer) -> None:
    for text in ("two", "three"):
        scripted.add_message(text)
    scripted.add_message("mine", name="ada")
    expect(chat.messages).to_have_count(4)
    copied = chat.page.evaluate("""() => {
      const range = document.createRange();
      range.selectNodeContents(document.getElementById("messages"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      return getSelection().toString();
    }""")
    lines = [line for line in copied.splitlines() if line.strip()]
    first = lines.index("one")
    assert lines[first : first + 3] == ["one", "two", "three"], lines
    assert sum("grace" in line for line in lines) == 1
    assert not any("ada" in line for line in lines)


def test_a_day_of_another_year_has_its_year(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.add_message("long ago", at="2021-03-04T10:00:00.000Z")
    expect(chat.page.get_by_text("2021")).to_be_visible()


def test_a_draft_survives_a_reload_and_no_sign_out(chat: ChatPage) -> None:
    chat.composer.fill("half a\nmessage")
    chat.page.reload()
    chat.wait_connected()
    expect(chat.composer).to_have_value("half a\nmessage")
    chat.page.get_by_role("button", name="Sign out").click()
    chat.page.get_by_role("dialog", name="Sign out").get_by_role("button", name="Sign out").click()
    expect(chat.page.get_by_label("Username")).to_be_visible()
    assert "half a" not in chat.page.evaluate("JSON.stringify({...localStorage})")


def test_tabs_agree_about_the_draft(chat: ChatPage) -> None:
    other = ChatPage(chat.page.context.new_page())
    other.page.goto(ORIGIN)
    other.wait_connected()
    other.page.evaluate("document.hasFocus = () => false")  # Playwright gives the focus to all pages
    chat.composer.press_sequentially("half a message")
    expect(other.composer).to_have_value("half a message")
    chat.composer.press("Enter")
    expect(other.composer).to_have_value("")


def test_pasting_megabytes_is_refused_and_the_draft_stays(chat: ChatPage) -> None:
    chat.composer.fill("before ")
    chat.page.keyboard.insert_text("x" * 3_000_000)
    expect(chat.page.locator("#composer-note")).to_contain_text("2996007 characters too long")
    expect(chat.composer).to_have_value("before ")
    chat.composer.press("End")
    chat.page.keyboard.type("after")
    chat.composer.press("Enter")
    expect(chat.message("before after")).to_be_visible()


def test_a_long_draft_that_is_cut_and_pasted_keeps_the_bottom(timeline: ChatPage, scripted: ScriptedServer) -> None:
    draft = "\n".join(f"line {number}" for number in range(12))
    jump = timeline.page.get_by_role("button", name="Jump to the newest")
    # Cut and pasted before, between and after frames: the events of the scroller arrive in every order.
    timeline.page.evaluate(
        """async (text) => {
          const draft = document.getElementById("draft");
          const set = (value) => { draft.value = value; draft.dispatchEvent(new Event("input")); };
          const frame = () => new Promise((done) => requestAnimationFrame(done));
          for (let frames = 0; frames < 5; frames += 1) {
            for (let round = 0; round < 3; round += 1) {
              set(text);
              for (let i = 0; i < frames; i += 1) await frame();
              set("");
              document.getElementById("timeline").scrollTop; // layout: the browser moves the scroller
              for (let i = 0; i < frames % 3; i += 1) await frame();
              set(text);
              for (let i = 0; i < frames; i += 1) await frame();
            }
          }
          await frame();
          await frame();
        }""",
        draft,
    )
    assert distance(timeline) <= 1
    expect(jump).to_be_hidden()
    scripted.add_message("comes in")
    expect(timeline.message("comes in")).to_be_in_viewport()
    expect(jump).to_be_hidden()


def test_the_jump_button_disappears_at_the_bottom(timeline: ChatPage) -> None:
    jump = timeline.page.get_by_role("button", name="Jump to the newest")
    timeline.composer.fill("\n" * 11)
    timeline.page.get_by_role("region", name="Conversation").evaluate("node => { node.scrollTop -= 150; }")
    expect(jump).to_be_visible()
    timeline.composer.fill("")  # the scroller grows: its end is visible without scrolling
    expect(jump).to_be_hidden()
    assert distance(timeline) <= 1


def test_enter_starts_a_new_line_on_a_touch_screen(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.add_init_script("localStorage.setItem('cloudchat.signed_in', '1')")
        scripted = ScriptedServer(context)
        chat = ChatPage(page)
        page.goto(ORIGIN)
        chat.wait_connected()
        expect(page.get_by_text("Enter sends")).to_be_hidden()
        chat.composer.fill("one")
        chat.composer.press("Enter")
        page.keyboard.type("two")
        expect(chat.composer).to_have_value("one\ntwo")
        assert scripted.count_commands("send") == 0
        page.get_by_role("button", name="Send").tap()
        expect(chat.message("one\ntwo")).to_be_visible()
    finally:
        context.close()


def test_the_hint_says_which_key_sends(chat: ChatPage) -> None:
    expect(chat.page.get_by_text("Enter sends, Shift + Enter starts a new line.")).to_be_visible()


def test_a_host_that_poses_as_another_is_shown_in_punycode(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.add_message("请看https://www.аррӏе.com/。谢谢")
    link = chat.messages.get_by_role("link")
    expect(link).to_have_text("https://www.xn--80ak6aa92e.com/")
    expect(link).to_have_attribute("href", "https://www.xn--80ak6aa92e.com/")


def test_scrolling_back_goes_on_as_long_as_the_server_has_messages(chat: ChatPage, scripted: ScriptedServer) -> None:
    for number in range(2, 2_601):
        scripted.append("message", text=f"message {number}", cid=f"c{number}", user={"id": "u-grace", "name": "grace"})
    scripted.close(1012)
    expect(chat.page.get_by_text("message 2600", exact=True)).to_be_in_viewport()
    scroller = chat.page.get_by_role("region", name="Conversation")
    # Scroll to the top whenever older messages have arrived there.
    reached = scroller.evaluate(
        """async (node, deadline) => {
          const start = performance.now();
          const first = () => Number(node.querySelector("[data-seq]").dataset.seq);
          while (first() > 1 && performance.now() - start < deadline) {
            node.scrollTop = 0;
            await new Promise((done) => setTimeout(done, 10));
          }
          return [first(), node.querySelectorAll("[data-seq]").length];
        }""",
        60_000,
    )
    assert reached[0] == 1
    assert reached[1] <= 2_000
    scripted.add_message("meanwhile")
    jump = chat.page.get_by_role("button", name="Jump to the newest")
    expect(jump).to_be_visible()
    jump.click()
    expect(chat.message("meanwhile")).to_be_in_viewport()
    expect(jump).to_be_hidden()
