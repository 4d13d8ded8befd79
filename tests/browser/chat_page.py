"""`ChatPage`: the page object of the browser tests. Tests name messages and buttons, not selectors."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import Locator, Page, expect

from support.processes import wait_until

# Instead of 5 seconds: a page on a busy machine takes longer to open. A test that passes does not wait for it.
expect.set_options(timeout=30_000)

PASSWORD = "five purple kettles sing"
WALK = """async () => {
  const scroller = document.getElementById("timeline");
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const seen = new Map();
  scroller.scrollTop = 0;
  for (;;) {
    await frame();
    for (const node of document.querySelectorAll("#messages [data-seq]")) {
      const text = node.querySelector("[data-testid=text]")?.innerText ?? "";
      seen.set(`${node.dataset.epoch} ${node.dataset.seq}`, [Number(node.dataset.seq), text]);
    }
    const before = scroller.scrollTop;
    scroller.scrollTop += scroller.clientHeight / 2;
    if (scroller.scrollTop === before) return [...seen.values()];
  }
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
STORED_VERSIONS = """async () => {
  const current = await (await caches.open("cloudchat")).match("/shell-current");
  return (await current?.json())?.versions ?? [];
}"""
SCROLL_TO_GAP = """async () => {
  const scroller = document.getElementById("timeline");
  while (document.querySelector("[data-testid=gap]") === null && scroller.scrollTop > 0) {
    scroller.scrollTop -= scroller.clientHeight / 2;
    await new Promise(requestAnimationFrame);
  }
}"""
DELETE_COPY = """() => new Promise((resolve, reject) => {
  const deleting = indexedDB.deleteDatabase("cloudchat.rooms");
  deleting.onsuccess = () => resolve();
  deleting.onerror = reject;
})"""
UNSENT_TEXTS = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("cloudchat", 1);
  opening.onerror = reject;
  opening.onsuccess = () => {
    const database = opening.result;
    const reading = database.transaction("outbox").objectStore("outbox").getAll();
    reading.onsuccess = () => {
      database.close();
      resolve(reading.result.map(({ text }) => text).sort());
    };
  };
})"""


class ChatPage:
    """One open chat page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.messages = page.get_by_test_id("message")
        self.pending = page.get_by_test_id("pending")
        self.failed = page.get_by_test_id("failed")
        self.gap = page.get_by_test_id("gap")
        self.connection = page.get_by_test_id("connection")
        self.banner = page.get_by_test_id("banner")
        self.composer = page.get_by_role("textbox", name="Message")
        self.alert = page.get_by_role("alert")

    def register(self, url: str, name: str, password: str = PASSWORD) -> None:
        """Open the page, create an account and wait for the chat."""
        self.page.goto(url)
        self.page.get_by_role("button", name="Create an account").click()
        self.fill_credentials(name, password)
        self.page.get_by_role("button", name="Create account").click()
        self.wait_connected()

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """Submit the sign-in form."""
        self.fill_credentials(name, password)
        self.page.get_by_role("button", name="Sign in").click()

    def fill_credentials(self, name: str, password: str) -> None:
        """Fill in username and password."""
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)

    def wait_connected(self) -> None:
        """Wait until the page is connected. After a kill, the page's reconnect delay may have grown."""
        expect(self.connection).to_have_attribute("data-state", "connected", timeout=45_000)

    def wait_for(self, script: str) -> None:
        """Wait until the script returns a true value. Unlike Playwright's `wait_for_function`, also of a promise."""
        wait_until(lambda: self.page.evaluate(script), script)

    def cached_events(self) -> list[dict[str, Any]]:
        """Return the events in the browser's copy of the rooms."""
        return list(self.page.evaluate(CACHED_EVENTS))

    def has_cached(self, text: str) -> bool:
        """Return whether the text is in the browser's copy of the rooms."""
        return any(event.get("text") == text for event in self.cached_events())

    def wait_cached(self, text: str) -> None:
        """Wait until the text is in the browser's copy of the rooms."""
        wait_until(lambda: self.has_cached(text), f"{text!r} is stored")

    def stored_versions(self) -> list[str]:
        """Return the versions of the page that the service worker has stored, the newest first."""
        return list(self.page.evaluate(STORED_VERSIONS))

    def wait_for_versions(self, count: int) -> list[str]:
        """Wait until so many versions are stored, and return them."""
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        wait_until(lambda: len(self.stored_versions()) == count, f"{count} versions are stored")
        return self.stored_versions()

    def reload_without_copy(self) -> None:
        """Delete the browser's copy of what was loaded, and open the page again, as on another device.

        The copy is deleted while the page is away: it writes the copy when it is left.
        """
        address = self.page.url
        self.page.goto(urljoin(address, "/icon.svg"))
        self.page.evaluate(DELETE_COPY)
        self.page.goto(address)

    def wait_unsent(self, *texts: str) -> None:
        """Wait until the browser's disk has exactly these unsent messages: a page that is left earlier loses them."""
        self.wait_for(f"({UNSENT_TEXTS})().then((texts) => texts.join() === {json.dumps(','.join(texts))})")

    def send(self, text: str) -> None:
        """Write a message and press Enter."""
        self.composer.fill(text)
        self.composer.press("Enter")

    def message(self, text: str) -> Locator:
        """Return the message with exactly this text."""
        return self.messages.filter(has=self.page.get_by_test_id("text").get_by_text(text, exact=True))

    def texts(self) -> list[str]:
        """Return the texts of all messages that are loaded."""
        return [text for _, text in self.walk()]

    def seqs(self) -> list[int]:
        """Return the seqs of all messages that are loaded."""
        return [seq for seq, _ in self.walk()]

    def walk(self) -> list[tuple[int, str]]:
        """Scroll from the first message to the last one, because only those near the screen are elements."""
        return [(seq, text) for seq, text in self.page.evaluate(WALK)]

    def scroll_back_to(self, message: Locator) -> None:
        """Scroll to the oldest message that is loaded, until that is this one, or one near it.

        For the room's first messages: others are near the top only until the next page has been loaded.
        """
        wait_until(lambda: self._scroll_back() and message.count() == 1, "the message is loaded", seconds=60)

    def scroll_to_gap(self) -> None:
        """Scroll upwards, a part of a screen at a time, until the gap is there."""
        self.page.evaluate(SCROLL_TO_GAP)

    def _scroll_back(self) -> bool:
        self.scroll_to_top()
        return True

    def scroll_to_top(self) -> None:
        """Scroll to the oldest message that is loaded."""
        self.page.get_by_role("region", name="Conversation").evaluate("node => { node.scrollTop = 0; }")


def wait_for(page: Page, condition: Callable[[], object]) -> None:
    """Let the browser run until the condition holds."""
    for _ in range(2_000):
        if condition():
            return
        page.wait_for_timeout(10)
    raise AssertionError("the condition did not become true")
