"""The main job, in real browsers: two people chat, everything is killed, and nothing is lost or doubled."""

import os
import signal
from collections.abc import Callable

from playwright.sync_api import expect

from browser.chat_page import ChatPage
from support import processes
from support.server import RunningServer

People = Callable[[], ChatPage]


def kill_everything(server: RunningServer) -> None:
    """SIGKILL the server and its store, the store first: the server must not get to say anything."""
    store = server.store_pid
    os.kill(server.pid, signal.SIGSTOP)
    os.kill(store, signal.SIGKILL)
    server.kill()
    processes.wait_until(lambda: not processes.is_alive(store), "the store's end")


def see_the_same(*people: ChatPage) -> None:
    """Everybody sees one list: each number once, in order, without a hole, with the same words."""
    lists = [list(zip(page.seqs(), page.texts(), strict=True)) for page in people]
    assert all(seen == lists[0] for seen in lists)
    assert [seq for seq, _ in lists[0]] == list(range(1, len(lists[0]) + 1))


def test_two_people_chat_through_a_kill_of_server_and_store(server: RunningServer, person: People) -> None:
    ada, grace = person(), person()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    ada.write("Is anybody there?")
    expect(grace.says("Is anybody there?")).to_be_visible()
    grace.write("I am.")
    expect(ada.says("I am.")).to_be_visible()

    kill_everything(server)
    for page in (ada, grace):
        expect(page.connection).not_to_have_text("Connected")
    ada.write("Written while it was down")
    expect(ada.pending).to_contain_text("Waiting to be sent")
    server.restart()

    for page in (ada, grace):
        page.is_connected()
        expect(page.says("Written while it was down")).to_be_visible()
        expect(page.pending).to_have_count(0)
        expect(page.gap).to_have_count(0)
    grace.write("And we are back.")
    expect(ada.says("And we are back.")).to_be_visible()
    see_the_same(ada, grace)
    assert ada.texts() == ["Is anybody there?", "I am.", "Written while it was down", "And we are back."]


def test_a_reload_keeps_what_is_not_sent_and_sends_it_once(server: RunningServer, person: People) -> None:
    ada, grace = person(), person()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    # The server stops answering in mid-sentence, as when the network is gone: what is written can't be acknowledged.
    server.signal(signal.SIGSTOP)
    ada.write("first")
    ada.write("second")
    expect(ada.pending).to_have_count(2)
    ada.page.goto("about:blank")
    server.signal(signal.SIGCONT)
    ada.page.goto(server.url)

    for page in (ada, grace):
        expect(page.says("second")).to_be_visible()
    expect(ada.pending).to_have_count(0)
    see_the_same(ada, grace)
    assert grace.texts() == ["first", "second"]


def test_a_stop_with_drain_is_a_short_pause(server: RunningServer, person: People) -> None:
    ada, grace = person(), person()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    assert server.terminate() == 0
    expect(ada.connection).to_contain_text("Reconnecting")
    ada.write("Over the restart")
    server.restart()
    for page in (ada, grace):
        page.is_connected()
        expect(page.says("Over the restart")).to_be_visible()
    see_the_same(ada, grace)


def test_a_store_that_dies_alone_costs_nothing(server: RunningServer, person: People) -> None:
    ada, grace = person(), person()
    ada.register(server.url, "ada")
    grace.register(server.url, "grace")
    old = server.kill_store()
    ada.write("Without a store")
    server.wait_for_new_store(old)
    for page in (ada, grace):
        expect(page.says("Without a store")).to_be_visible(timeout=30_000)
    expect(ada.pending).to_have_count(0)
    see_the_same(ada, grace)
