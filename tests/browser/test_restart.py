"""Two users chat in real browsers, the server and its store are killed, and no message is lost or duplicated."""

import os
import signal
from collections.abc import Callable

from playwright.sync_api import expect

from browser.chat_page import ChatPage
from support import processes
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]


def kill_server_and_store(server: RunningServer) -> None:
    """SIGKILL the store, then the server, which is stopped meanwhile so that it cannot react."""
    store = server.store_pid
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(store, signal.SIGKILL)
    server.kill()
    processes.wait_until(lambda: not processes.is_alive(store), "the store to end")


def assert_same_messages(*people: ChatPage) -> None:
    """Check that all pages show the same messages, with consecutive seqs from 1."""
    lists = [page.walk() for page in people]
    assert all(seen == lists[0] for seen in lists)
    assert [seq for seq, _ in lists[0]] == list(range(1, len(lists[0]) + 1))


def test_two_users_chat_through_a_kill_of_server_and_store(server: RunningServer, open_page: OpenPage) -> None:
    ada, grace = open_page(), open_page()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    ada.send("Is anybody there?")
    expect(grace.message("Is anybody there?")).to_be_visible()
    grace.send("I am.")
    expect(ada.message("I am.")).to_be_visible()

    kill_server_and_store(server)
    for page in (ada, grace):
        expect(page.connection).not_to_have_text("Connected")
    ada.send("Written while it was down")
    expect(ada.pending).to_contain_text("Waiting to be sent")
    server.restart()

    for page in (ada, grace):
        page.wait_connected()
        expect(page.message("Written while it was down")).to_be_visible()
        expect(page.pending).to_have_count(0)
        expect(page.gap).to_have_count(0)
    grace.send("And we are back.")
    for page in (ada, grace):
        expect(page.message("And we are back.")).to_be_visible()
    assert_same_messages(ada, grace)
    assert ada.texts() == ["Is anybody there?", "I am.", "Written while it was down", "And we are back."]


def test_reload_keeps_unsent_messages_and_sends_them_once(server: RunningServer, open_page: OpenPage) -> None:
    ada, grace = open_page(), open_page()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    # The server stops answering, as if the network were gone: nothing can be acknowledged.
    server.signal(signal.SIGSTOP)
    ada.send("first")
    ada.send("second")
    ada.wait_unsent("first", "second")
    ada.page.goto("about:blank")
    server.signal(signal.SIGCONT)
    ada.page.goto(server.url)

    for page in (ada, grace):
        expect(page.message("second")).to_be_visible()
    expect(ada.pending).to_have_count(0)
    assert_same_messages(ada, grace)
    assert grace.texts() == ["first", "second"]


def test_page_reconnects_after_a_drained_stop(server: RunningServer, open_page: OpenPage) -> None:
    ada, grace = open_page(), open_page()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    assert server.terminate() == 0
    expect(ada.connection).to_contain_text("Reconnecting")
    ada.send("Over the restart")
    server.restart()
    for page in (ada, grace):
        page.wait_connected()
        expect(page.message("Over the restart")).to_be_visible()
    assert_same_messages(ada, grace)


def test_nothing_is_lost_when_only_the_store_is_killed(server: RunningServer, open_page: OpenPage) -> None:
    ada, grace = open_page(), open_page()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    old = server.kill_store()
    ada.send("Without a store")
    server.wait_for_new_store(old)
    for page in (ada, grace):
        expect(page.message("Without a store")).to_be_visible()
    expect(ada.pending).to_have_count(0)
    assert_same_messages(ada, grace)
