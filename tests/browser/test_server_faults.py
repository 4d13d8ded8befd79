"""How the page handles what a healthy server never does, on a scripted server."""

import datetime
import json

import pytest
from playwright.sync_api import expect

from browser.chat_page import PASSWORD, ChatPage, wait_for
from browser.scripted_server import ORIGIN, ScriptedServer


@pytest.fixture
def chat(ada: ChatPage, scripted: ScriptedServer) -> ChatPage:
    """The open chat of `ada`, with three messages."""
    for text in ("one", "two", "three"):
        scripted.add_message(text)
    ada.page.goto(ORIGIN)
    ada.wait_connected()
    expect(ada.messages).to_have_count(3)
    return ada


def test_missing_event_is_fetched(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.append("message", text="four", cid="x4", user={"id": "u-grace", "name": "grace"})
    scripted.add_message("five")
    expect(chat.message("five")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "four", "five"]
    joins = [command for command in scripted.commands if command["type"] == "join"]
    assert joins[-1]["after"] == {"epoch": "e1", "seq": 3}


def test_head_ahead_of_the_page_makes_it_join_again(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.broadcast({"type": "head", "room": "lobby", "epoch": "e1", "seq": 3})
    scripted.append("message", text="four", cid="x4", user={"id": "u-grace", "name": "grace"})
    scripted.broadcast({"type": "head", "room": "lobby", "epoch": "e1", "seq": 4})
    expect(chat.message("four")).to_be_visible()
    assert scripted.count_commands("join") == 2


def test_repeated_event_is_shown_once(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.broadcast(scripted.log[1])
    scripted.add_message("four")
    expect(chat.message("four")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "four"]


def test_gap_is_shown_and_can_be_loaded(chat: ChatPage, scripted: ScriptedServer) -> None:
    for number in range(4, 74):
        scripted.append("message", text=f"m{number}", cid=f"x{number}", user={"id": "u-grace", "name": "grace"})
    scripted.refuses_replay = True
    scripted.close(1006)
    expect(chat.message("m73")).to_be_visible()
    chat.scroll_to_gap()
    expect(chat.gap).to_contain_text("Some messages are missing here.")
    chat.gap.get_by_role("button", name="Load missing messages").click()
    expect(chat.gap).to_have_count(0)
    assert chat.seqs() == list(range(1, 74))


def test_new_epoch_keeps_earlier_messages_above_a_gap(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.log, scripted.epoch = [], "e2"
    scripted.add_message("anew")
    expect(chat.gap).to_contain_text("can no longer be loaded")
    expect(chat.message("anew")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "anew"]


def test_lost_ack_does_not_duplicate_the_message(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.drops_acks = True
    chat.send("only once")
    expect(chat.pending).to_have_count(1)
    wait_for(chat.page, lambda: scripted.count_commands("send") == 1)
    scripted.drops_acks = False
    scripted.close(1006)
    expect(chat.message("only once")).to_be_visible()
    expect(chat.pending).to_have_count(0)
    assert chat.texts() == ["one", "two", "three", "only once"]
    assert len({command["cid"] for command in scripted.commands if command["type"] == "send"}) == 1


def test_temporary_error_delays_messages_and_keeps_their_order(chat: ChatPage, scripted: ScriptedServer) -> None:
    away = {"code": "unavailable", "message": "the store is away", "retryable": True, "retry_after_ms": 300}
    scripted.send_errors = [away, away]
    chat.send("first")
    chat.send("second")
    expect(chat.message("second")).to_be_visible()
    assert chat.texts() == ["one", "two", "three", "first", "second"]


def test_refused_message_shows_the_reason_and_can_be_retried(chat: ChatPage, scripted: ScriptedServer) -> None:
    refusal = {"code": "muted", "message": "you are muted until noon", "retryable": False}
    scripted.send_errors = [refusal, refusal]
    chat.send("let me speak")
    expect(chat.failed).to_contain_text("Not sent. You are muted until noon.")
    chat.page.reload()
    expect(chat.failed).to_contain_text("You are muted until noon.")
    chat.failed.get_by_role("button", name="Try again").click()
    wait_for(chat.page, lambda: scripted.count_commands("send") == 2)
    expect(chat.failed).to_have_count(1)
    chat.failed.get_by_role("button", name="Try again").click()
    expect(chat.message("let me speak")).to_be_visible()
    expect(chat.failed).to_have_count(0)


def test_refused_message_can_be_removed_for_good(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.send_errors = [{"code": "muted", "message": "no", "retryable": False}]
    chat.send("never mind")
    chat.failed.get_by_role("button", name="Remove").click()
    expect(chat.failed).to_have_count(0)
    chat.wait_unsent()
    chat.page.reload()
    chat.wait_connected()
    expect(chat.message("three")).to_be_visible()
    expect(chat.failed).to_have_count(0)


@pytest.mark.parametrize(
    ("code", "words", "state", "button"),
    [
        (4403, "disabled", "Disabled", None),
        (4409, "too many places", "Paused", "Continue here"),
        (4400, "understand each other", "Paused", "Try again"),
    ],
)
def test_terminal_close_code_is_explained(
    chat: ChatPage, scripted: ScriptedServer, code: int, words: str, state: str, button: str | None
) -> None:
    scripted.close(code)
    expect(chat.banner).to_contain_text(words)
    expect(chat.connection).to_have_text(state)
    expect(chat.banner.get_by_role("button")).to_have_count(1 if button else 0)
    if button:
        chat.banner.get_by_role("button", name=button).click()
        chat.wait_connected()
        expect(chat.banner).to_be_hidden()


def test_ended_session_shows_the_sign_in_and_keeps_unsent_messages(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.send_errors = [{"code": "unavailable", "message": "later", "retryable": True, "retry_after_ms": 600_000}]
    chat.send("not yet sent")
    expect(chat.pending).to_contain_text("Waiting to be sent")
    scripted.signed_in = False
    scripted.close(4401)
    expect(chat.page.get_by_text("You were signed out.")).to_be_visible()
    expect(chat.messages).to_have_count(0)
    chat.sign_in("ada")
    expect(chat.message("not yet sent")).to_be_visible()


def test_expired_token_is_refreshed_silently(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.close(4401)
    wait_for(chat.page, lambda: len(scripted.protocols) == 2)
    chat.wait_connected()
    expect(chat.messages).to_have_count(3)
    first, second = (protocols[1] for protocols in scripted.protocols)
    assert first != second
    assert [protocols[0] for protocols in scripted.protocols] == ["cloudchat.v1", "cloudchat.v1"]


def test_expiring_token_is_renewed_on_the_open_socket(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.broadcast({"type": "token_expiring", "token_expires_at": "2026-11-22T10:10:00Z"})
    scripted.add_message("four")
    expect(chat.message("four")).to_be_visible()
    wait_for(chat.page, lambda: scripted.count_commands("auth") == 1)  # it fetches a new token first
    chat.send("five")
    expect(chat.message("five")).to_be_visible()
    assert scripted.count_commands("auth") == 1
    assert len(scripted.protocols) == 1


def test_too_many_attempts_show_a_countdown(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.signed_in = False
    error = {"code": "rate_limited", "message": "too many attempts; wait a little", "retryable": True}
    scripted.http_answers["/api/auth/login"] = (429, {"error": error}, {"Retry-After": "3"})
    ada.page.clock.install()
    ada.page.goto(ORIGIN)
    ada.sign_in("ada")
    expect(ada.alert).to_contain_text("Too many attempts; wait a little. Try again in 3 s.")
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_disabled()
    ada.page.clock.run_for(1000)
    expect(ada.alert).to_contain_text("Try again in 2 s.")
    ada.page.clock.run_for(2000)
    expect(ada.page.get_by_role("alert")).to_have_count(0)
    del scripted.http_answers["/api/auth/login"]
    ada.page.get_by_role("button", name="Sign in").click()
    ada.page.clock.resume()
    ada.wait_connected()


def test_server_error_is_shown_as_a_server_problem(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.http_answers["/api/auth/refresh"] = (502, {}, {})
    ada.page.goto(ORIGIN)
    # The page retries for some seconds, because the answer may only be lost.
    expect(ada.page.get_by_text("The server has a problem.")).to_be_visible()


def test_page_keeps_a_bounded_number_of_messages(ada: ChatPage, scripted: ScriptedServer) -> None:
    ada.page.goto(ORIGIN)
    ada.wait_connected()
    expect(ada.page.get_by_text("This is the beginning of the conversation.")).to_be_visible()
    for number in range(1, 1301):
        scripted.append("message", text=f"m{number}", cid=f"x{number}", user={"id": "u-grace", "name": "grace"})
    scripted.broadcast({"type": "head", "room": "lobby", "epoch": "e1", "seq": 1300})
    expect(ada.message("m1300")).to_be_visible()  # three replays of 500, rendered on a slow machine
    assert 0 < ada.messages.count() < 100
    ada.scroll_to_top()
    expect(ada.message("m301")).to_be_attached()
    ada.scroll_back_to(ada.message("m1"))


def test_unknown_frames_are_ignored(chat: ChatPage, scripted: ScriptedServer) -> None:
    for frame in ({"type": "confetti", "room": "lobby"}, {"type": "presence", "room": "lobby", "online": True}):
        scripted.broadcast(frame)
    scripted.add_message("four")
    expect(chat.message("four")).to_be_visible()


def test_countdown_to_the_next_attempt_is_shown(chat: ChatPage, scripted: ScriptedServer) -> None:
    chat.page.clock.install()
    chat.page.clock.pause_at(datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1))
    scripted.broadcast({"type": "drain", "reconnect_after_ms": 5000})
    scripted.close(1012)
    expect(chat.connection).to_have_text("Reconnecting in 5 s…")
    chat.page.clock.run_for(1_000)
    expect(chat.connection).to_have_text("Reconnecting in 4 s…")
    assert len(scripted.protocols) == 1
    chat.page.clock.resume()
    chat.page.evaluate("window.dispatchEvent(new Event('online'))")
    chat.wait_connected()


def test_page_sends_requests_to_its_own_origin_only(chat: ChatPage, scripted: ScriptedServer) -> None:
    requested: list[str] = []
    chat.page.on("request", lambda request: requested.append(request.url))
    chat.page.reload()
    chat.wait_connected()
    assert all(url.startswith(f"{ORIGIN}/") for url in requested)
    assert PASSWORD not in json.dumps(scripted.requests)
