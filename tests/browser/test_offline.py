"""The page without a server: it opens with what was loaded, says so, can be written in, and becomes live by itself."""

import json
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, WebSocket, expect

from browser.chat_page import PASSWORD, ChatPage, wait_for
from browser.screens import post
from support.accounts import login, register
from support.processes import wait_until
from support.server import RunningServer
from support.socket import ChatSocket

READY = """async () => {
  await navigator.serviceWorker.ready;
  return (await (await caches.open("cloudchat")).match("/shell-current")) !== undefined;
}"""
OBSERVE_LAYOUT_SHIFTS = """
  globalThis.shifts = [];
  const add = (entries) => shifts.push(...entries.map(({ value }) => value));
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  globalThis.totalShift = () => {
    add(observer.takeRecords());
    return shifts.reduce((sum, value) => sum + value, 0);
  };
"""
DATABASES = "indexedDB.databases().then((all) => all.map(({ name }) => name).sort())"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_ACCESS_TOKEN_SECONDS": "60"}) as running:
        yield running


@pytest.fixture(params=["block"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser context, without a service worker unless the test asks for it: it reads all files of the page."""
    context = browser.new_context(service_workers=request.param)
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("console", lambda line: problems.append(line.text) if "violates" in line.text else None)
    yield context
    context.close()
    assert problems == []


def open_chat(context: BrowserContext, server: RunningServer, name: str) -> ChatPage:
    """Register, send a message, and wait until it is stored."""
    chat = ChatPage(context.new_page())
    chat.register(server.url, name)
    chat.send(f"from {name}")
    expect(chat.message(f"from {name}")).to_be_visible()
    chat.wait_cached(f"from {name}")
    return chat


def archive_head(server: RunningServer) -> int:
    with closing(sqlite3.connect(server.state_dir / "cloudchat.db")) as database:
        return int(
            database.execute("SELECT coalesce(max(seq), 0) FROM archive_heads WHERE room_id = 'lobby'").fetchone()[0]
        )


@pytest.mark.parametrize("context", ["allow"], indirect=True)
def test_page_without_a_server_shows_what_was_loaded_and_becomes_live(
    context: BrowserContext, server: RunningServer
) -> None:
    chat = open_chat(context, server, "ada")
    chat.wait_for(READY)
    server.kill()
    chat.page.close()
    chat = ChatPage(context.new_page())
    chat.page.goto(server.url)
    expect(chat.message("from ada")).to_be_visible()
    expect(chat.banner).to_contain_text("You see what was loaded until")
    chat.send("written without a server")
    chat.wait_unsent("written without a server")
    chat.page.reload()
    expect(chat.pending).to_contain_text("written without a server")
    chat.page.evaluate("location.hash = '#/room/elsewhere'")
    expect(chat.page.get_by_text("This room is not stored on this device.")).to_be_visible()
    server.start()
    expect(chat.page.get_by_text("This room does not exist")).to_be_visible()
    chat.page.go_back()
    chat.wait_connected()
    expect(chat.banner).to_be_hidden()
    expect(chat.message("written without a server")).to_be_visible()
    assert chat.texts().count("written without a server") == 1


def test_a_room_that_was_never_opened_is_stored(context: BrowserContext, server: RunningServer) -> None:
    ida = register(server.url, "ida")
    room = ida.http.post("/api/rooms", json={"kind": "public", "name": "Garden"}).json()["id"]
    post(ida, room, {"text": "planted"})
    chat = ChatPage(context.new_page())
    chat.page.goto(f"{server.url}/#/room/lobby")
    chat.sign_in("ida")
    chat.wait_connected()
    chat.wait_cached("planted")


def test_second_visit_continues_after_what_was_loaded(context: BrowserContext, server: RunningServer) -> None:
    """A message arrived meanwhile, and one was deleted: its text leaves the screen and the disk."""
    chat = open_chat(context, server, "bob")
    (deleted,) = (event["seq"] for event in chat.cached_events() if event.get("text") == "from bob")
    chat.page.close()
    with ChatSocket(server.ws_url, login(server.url, "bob", PASSWORD).access_token) as socket:
        missed = socket.send("missed")
        socket.send("a line\n" * 10)
        socket.command("delete", room="lobby", cid=str(uuid.uuid4()), seq=deleted)
    chat = ChatPage(context.new_page())
    chat.page.add_init_script(OBSERVE_LAYOUT_SHIFTS)
    joins: list[dict[str, Any]] = []

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda text: joins.append(json.loads(text)) if '"join"' in str(text) else None)

    chat.page.on("websocket", watch)
    chat.page.goto(server.url)
    expect(chat.message("missed")).to_be_visible()
    expect(chat.message("from bob")).to_have_count(0)
    wait_for(chat.page, lambda: joins)
    (join,) = joins
    assert join["after"]["seq"] == missed["seq"] - 1
    assert chat.page.evaluate("totalShift()") < 0.05  # the list fills a part of the screen, and stays at its lower end
    wait_until(lambda: not chat.has_cached("from bob"), "the text is gone from the disk")


def test_sign_out_in_one_tab_ends_all_tabs_and_deletes_what_was_loaded(
    context: BrowserContext, server: RunningServer
) -> None:
    chat = open_chat(context, server, "dora")
    other = ChatPage(context.new_page())
    other.page.goto(server.url)
    other.wait_connected()
    chat.page.get_by_role("button", name="Sign out").click()
    expect(other.page.get_by_text("You were signed out in another tab.")).to_be_visible()
    other.wait_for(f"{DATABASES}.then((names) => names.length === 0)")
    chat.register(server.url, "eve")  # in the same browser
    expect(chat.message("from dora")).to_be_visible()  # from the server, as a member of the lobby
    assert chat.page.evaluate("localStorage.getItem('cloudchat.signed_in')") == "1"


def test_revoked_session_deletes_what_was_loaded_and_keeps_the_draft(
    context: BrowserContext, server: RunningServer
) -> None:
    chat = open_chat(context, server, "fred")
    chat.composer.fill("half a thought")
    cookies = context.cookies()
    chat.page.close()
    context.clear_cookies()
    chat = ChatPage(context.new_page())
    chat.page.goto(server.url)
    expect(chat.page.get_by_text("You were signed out.")).to_be_visible()
    chat.wait_for(f"{DATABASES}.then((names) => !names.includes('cloudchat.rooms'))")
    assert cookies
    chat.sign_in("fred")
    chat.wait_connected()
    expect(chat.composer).to_have_value("half a thought")


def test_page_works_where_nothing_can_be_stored(context: BrowserContext, server: RunningServer) -> None:
    context.add_init_script(
        "IDBObjectStore.prototype.put = () => { throw new DOMException('', 'QuotaExceededError'); }"
    )
    chat = ChatPage(context.new_page())
    chat.register(server.url, "gina")
    chat.send("all the same")
    expect(chat.message("all the same")).to_be_visible()
    chat.page.reload()
    chat.wait_connected()
    expect(chat.message("all the same")).to_be_visible()


def test_messages_are_loaded_from_the_archive_after_a_loss_of_the_store(
    context: BrowserContext, server: RunningServer
) -> None:
    chat = open_chat(context, server, "hugo")
    chat.send("and another one")
    expect(chat.message("and another one")).to_be_visible()
    before = chat.texts()
    seq = chat.seqs()[-1]
    wait_until(lambda: archive_head(server) >= seq, "both are archived")
    server.kill()
    shutil.rmtree(server.state_dir / "store" / "appendonlydir")
    server.start()
    chat.wait_connected()
    expect(chat.gap).to_have_count(0)
    assert chat.texts() == before
    chat.reload_without_copy()
    expect(chat.message("and another one")).to_be_visible()
    chat.send("after the loss")
    expect(chat.message("after the loss")).to_be_visible()
    assert chat.texts() == [*before, "after the loss"]
