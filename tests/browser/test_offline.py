"""The page without a server: it opens with what was loaded, says so, can be written in, and becomes live by itself."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from browser.chat_page import ChatPage
from support.processes import wait_until
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]
READY = """async () => {
  await navigator.serviceWorker.ready;
  return (await (await caches.open("cloudchat")).match("/shell-current")) !== undefined;
}"""
CACHED_EVENTS = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("cloudchat.rooms", 1);
  opening.onerror = reject;
  opening.onsuccess = () => {
    const database = opening.result;
    const reading = database.transaction("contents").objectStore("contents").getAll();
    reading.onsuccess = () => {
      database.close();
      resolve(reading.result.flatMap(({ events }) => events));
    };
  };
})"""
DATABASES = "indexedDB.databases().then((all) => all.map(({ name }) => name).sort())"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_ACCESS_TOKEN_SECONDS": "60"}) as running:
        yield running


@pytest.fixture
def context(browser: Browser, server: RunningServer) -> Iterator[BrowserContext]:
    context = browser.new_context()
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("console", lambda line: problems.append(line.text) if "violates" in line.text else None)
    yield context
    context.close()
    assert problems == []


def open_chat(context: BrowserContext, server: RunningServer, name: str) -> ChatPage:
    """Register, send a message, and wait until the page and the message are stored."""
    chat = ChatPage(context.new_page())
    chat.register(server.url, name)
    chat.send(f"from {name}")
    expect(chat.message(f"from {name}")).to_be_visible()
    chat.wait_for(READY)
    wait_for_event(chat, f"from {name}")
    return chat


def wait_for_event(chat: ChatPage, text: str) -> None:
    wait_until(lambda: any(event.get("text") == text for event in chat.page.evaluate(CACHED_EVENTS)), text)


def test_page_without_a_server_shows_what_was_loaded_and_becomes_live(
    context: BrowserContext, server: RunningServer
) -> None:
    chat = open_chat(context, server, "ada")
    server.kill()
    chat.page.close()
    chat = ChatPage(context.new_page())
    chat.page.goto(server.url)
    expect(chat.message("from ada")).to_be_visible()
    expect(chat.banner).to_contain_text("You see what was loaded until", timeout=15_000)
    chat.send("written without a server")
    expect(chat.pending).to_contain_text("written without a server")
    chat.page.reload()
    expect(chat.pending).to_contain_text("written without a server")
    server.start()
    chat.wait_connected()
    expect(chat.banner).to_be_hidden()
    expect(chat.message("written without a server")).to_be_visible()
    assert chat.texts().count("written without a server") == 1
