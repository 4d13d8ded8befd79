"""Takes the screenshot for the README: three users in three browsers on a real server. Run `make screenshot`."""

import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chat_page import ChatPage
from browser.chromium import launch
from support.server import RunningServer

PATH = Path(__file__).parent / "screenshots" / "chat.png"
SIZE: ViewportSize = {"width": 1060, "height": 780}
CONVERSATION = [
    ("ada", "Did the new server go live?"),
    ("grace", "Yes. I killed it twice on the way, and its store once."),
    ("grace", "Nobody noticed."),
    ("ada", "Not even a reload?"),
    ("linus", "No. My train went through a tunnel, too, and everything was there when I came out."),
    ("linus", "How it works is written down at https://example.org/how-a-message-travels"),
    ("ada", "Every message once, in order. I like that."),
]


def main() -> None:
    """Exchange messages, then take a screenshot of ada's page."""
    with RunningServer() as server, sync_playwright() as playwright:
        browser = launch(playwright)
        pages: dict[str, ChatPage] = {}
        for name in ("ada", "grace", "linus"):
            context = browser.new_context(viewport=SIZE, device_scale_factor=2, locale="en-GB")
            pages[name] = ChatPage(context.new_page())
            pages[name].register(server.url, name)
        for name, text in CONVERSATION:
            pages[name].send(text)
            for page in pages.values():
                expect(page.messages.last).to_contain_text(text)
        take_screenshot(pages["ada"].page)
        browser.close()


def take_screenshot(page: Page) -> None:
    PATH.parent.mkdir(exist_ok=True)
    page.evaluate("document.activeElement.blur()")  # without the focus ring
    page.screenshot(path=PATH, animations="disabled")


if __name__ == "__main__":
    main()
