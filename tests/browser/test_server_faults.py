"""What a healthy server never does, and a page has to survive: the server is scripted here."""

import json

import pytest
from playwright.sync_api import expect

from browser.chat_page import PASSWORD, ChatPage
from browser.scripted_server import ORIGIN, ScriptedServer


@pytest.fixture
def chat(ada: ChatPage, scripted: ScriptedServer) -> ChatPage:
    """The chat is open and shows three messages."""
    for text in ("one", "two", "three"):
        scripted.say(text)
    ada.page.goto(ORIGIN)
    ada.is_connected()
    expect(ada.messages).to_have_count(3)
    return ada


def test_an_event_that_was_dropped_on_the_way_is_fetched(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.write("message", text="four", cid="x4", user={"id": "u-grace", "name": "grace"})
    scripted.say("five")
    expect(chat.says("five")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "four", "five"]
    assert scripted.commands[-1]["after"] == {"epoch": "e1", "seq": 3}


def test_a_head_that_is_ahead_shows_that_something_is_missing(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.push({"type": "head", "room": "lobby", "epoch": "e1", "seq": 3})
    scripted.write("message", text="four", cid="x4", user={"id": "u-grace", "name": "grace"})
    scripted.push({"type": "head", "room": "lobby", "epoch": "e1", "seq": 4})
    expect(chat.says("four")).to_be_visible()
    assert scripted.count("join") == 2


def test_an_event_that_comes_twice_is_shown_once(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.push(scripted.log[1])
    scripted.say("four")
    expect(chat.says("four")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "four"]


def test_a_gap_is_shown_and_can_be_loaded(chat: ChatPage, scripted: ScriptedServer) -> None:
    for number in range(4, 74):
        scripted.write("message", text=f"m{number}", cid=f"x{number}", user={"id": "u-grace", "name": "grace"})
    scripted.refuse_replay = True
    scripted.close(1006)
    expect(chat.gap).to_contain_text("Some messages are missing here.")
    expect(chat.says("m73")).to_be_visible()
    chat.gap.get_by_role("button", name="Load missing messages").click()
    expect(chat.gap).to_have_count(0)
    assert chat.seqs() == list(range(1, 74))


def test_a_new_numbering_keeps_what_was_read_and_shows_the_break(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.log, scripted.epoch = [], "e2"
    scripted.say("anew")
    expect(chat.gap).to_contain_text("can no longer be loaded")
    expect(chat.says("anew")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "anew"]


def test_an_ack_that_is_lost_does_not_double_the_message(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.deaf_after_storing = True
    chat.write("only once")
    expect(chat.pending).to_have_count(1)
    chat.page.wait_for_function("() => true")
    scripted.deaf_after_storing = False
    scripted.close(1006)
    expect(chat.says("only once")).to_be_visible()
    expect(chat.pending).to_have_count(0)
    assert chat.texts() == ["one", "two", "three", "only once"]
    assert len({command["cid"] for command in scripted.commands if command["type"] == "send"}) == 1


def test_a_store_that_is_away_for_a_moment_delays_a_message(chat: ChatPage, scripted: ScriptedServer) -> None:
    away = {"code": "unavailable", "message": "the store is away", "retryable": True, "retry_after_ms": 300}
    scripted.errors = [away, away]
    chat.write("first")
    chat.write("second")
    expect(chat.says("second")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "first", "second"]


def test_a_refused_message_says_why_and_leaves_the_choice(chat: ChatPage, scripted: ScriptedServer) -> None:
    refusal = {"code": "muted", "message": "you are muted until noon", "retryable": False}
    scripted.errors = [refusal, refusal]
    chat.write("let me speak")
    expect(chat.failed).to_contain_text("Not sent. You are muted until noon.")
    chat.page.reload()
    expect(chat.failed).to_contain_text("You are muted until noon.")
    chat.failed.get_by_role("button", name="Try again").click()
    expect(chat.failed).to_have_count(1)
    chat.failed.get_by_role("button", name="Try again").click()
    expect(chat.says("let me speak")).to_be_visible()
    expect(chat.failed).to_have_count(0)


def test_a_refused_message_can_be_removed_for_good(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.errors = [{"code": "muted", "message": "no", "retryable": False}]
    chat.write("never mind")
    chat.failed.get_by_role("button", name="Remove").click()
    expect(chat.failed).to_have_count(0)
    chat.page.reload()
    chat.is_connected()
    expect(chat.says("three")).to_be_visible()
    expect(chat.failed).to_have_count(0)


@pytest.mark.parametrize(
    ("code", "words", "button"),
    [
        (4403, "disabled", None),
        (4409, "too many places", "Continue here"),
        (4400, "understand each other", "Try again"),
    ],
)
def test_a_terminal_close_is_explained(
    chat: ChatPage, scripted: ScriptedServer, code: int, words: str, button: str | None
) -> None:
    scripted.close(code)
    expect(chat.banner).to_contain_text(words)
    expect(chat.connection).to_have_text("Paused")
    expect(chat.banner.get_by_role("button")).to_have_count(1 if button else 0)
    if button:
        chat.banner.get_by_role("button", name=button).click()
        chat.is_connected()
        expect(chat.banner).to_be_hidden()


def test_signed_out_elsewhere_leads_to_the_door_and_keeps_what_is_unsent(
    chat: ChatPage, scripted: ScriptedServer
) -> None:
    scripted.errors = [{"code": "unavailable", "message": "later", "retryable": True, "retry_after_ms": 600_000}]
    chat.write("not yet sent")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    scripted.signed_in = False
    scripted.close(4401)
    expect(chat.page.get_by_text("You were signed out.")).to_be_visible()
    expect(chat.messages).to_have_count(0)
    chat.sign_in("ada")
    expect(chat.says("not yet sent")).to_be_visible()


def test_an_expired_token_is_renewed_without_a_word(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.close(4401)
    chat.is_connected()
    expect(chat.messages).to_have_count(3)
    first, second = (protocols[1] for protocols in scripted.protocols)
    assert first != second
    assert [protocols[0] for protocols in scripted.protocols] == ["cloudchat.v1", "cloudchat.v1"]


def test_a_token_that_runs_out_is_renewed_on_the_open_socket(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.push({"type": "token_expiring", "token_expires_at": "2026-11-22T10:10:00Z"})
    scripted.say("four")
    expect(chat.says("four")).to_be_visible()
    chat.page.wait_for_function("() => document.readyState === 'complete'")
    chat.write("five")
    expect(chat.says("five")).to_be_visible()
    assert scripted.count("auth") == 1
    assert len(scripted.protocols) == 1


def test_too_many_attempts_count_down(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    error = {"code": "rate_limited", "message": "too many attempts; wait a little", "retryable": True}
    scripted.answers["/api/auth/login"] = (429, {"error": error}, {"Retry-After": "3"})
    ada.page.clock.install()
    ada.page.goto(ORIGIN)
    ada.sign_in("ada")
    expect(ada.alert).to_contain_text("Too many attempts; wait a little. Try again in 3 s.")
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_disabled()
    ada.page.clock.run_for(1000)
    expect(ada.alert).to_contain_text("Try again in 2 s.")
    ada.page.clock.run_for(2000)
    expect(ada.page.get_by_role("alert")).to_have_count(0)
    del scripted.answers["/api/auth/login"]
    ada.page.get_by_role("button", name="Sign in").click()
    ada.page.clock.resume()
    ada.is_connected()


def test_a_server_in_trouble_is_not_the_persons_fault(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.answers["/api/auth/refresh"] = (502, {}, {})
    ada.page.goto(ORIGIN)
    # It asks again for some seconds: the answer may only have got lost.
    expect(ada.page.get_by_text("The server has a problem.")).to_be_visible(timeout=20_000)


def test_the_page_stays_small_in_a_long_conversation(ada: ChatPage, scripted: ScriptedServer) -> None:
    ada.page.goto(ORIGIN)
    ada.is_connected()
    expect(ada.page.get_by_text("This is the beginning of the conversation.")).to_be_visible()
    for number in range(1, 1301):
        scripted.write("message", text=f"m{number}", cid=f"x{number}", user={"id": "u-grace", "name": "grace"})
    scripted.push({"type": "head", "room": "lobby", "epoch": "e1", "seq": 1300})
    expect(ada.says("m1300")).to_be_visible(timeout=30_000)  # three pages of 500, drawn on whatever machine this is
    assert ada.seqs() == list(range(301, 1301))
    ada.scroll_to_top()
    expect(ada.says("m251")).to_be_attached(timeout=30_000)


def test_a_frame_of_an_unknown_kind_is_ignored(chat: ChatPage, scripted: ScriptedServer) -> None:
    for frame in ({"type": "confetti", "room": "lobby"}, {"type": "presence", "room": "lobby", "online": True}):
        scripted.push(frame)
    scripted.say("four")
    expect(chat.says("four")).to_be_visible()


def test_the_countdown_to_the_next_attempt_is_shown(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.push({"type": "drain", "reconnect_after_ms": 5000})
    scripted.close(1012)
    expect(chat.connection).to_have_text("Reconnecting in 5 s…")
    expect(chat.connection).to_have_text("Reconnecting in 4 s…")
    assert len(scripted.protocols) == 1
    chat.page.evaluate("window.dispatchEvent(new Event('online'))")
    chat.is_connected()


def test_nothing_but_the_own_origin_is_asked(chat: ChatPage, scripted: ScriptedServer) -> None:
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    chat.page.reload()
    chat.is_connected()
    assert all(url.startswith(f"{ORIGIN}/") for url in asked)
    assert PASSWORD not in json.dumps(scripted.requests)
