"""Makes the picture in the README: two people in two browsers, on the real server. Run: `make screenshot`."""

import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chat_page import ChatPage
from browser.chromium import launch
from support.server import RunningServer

PICTURE = Path(__file__).parent / "screenshots" / "chat.png"
SIZE = {"width": 1060, "height": 780}
WORDS = [
    ("ada", "Did the new server go live?"),
    ("grace", "It did. I killed it twice on the way, and its store once."),
    ("grace", "Nobody noticed."),
    ("ada", "Not even a reload?"),
    ("linus", "No. My train went through a tunnel, too, and everything was there when I came out."),
    ("linus", "How it works is written down at https://example.org/how-a-message-travels"),
    ("ada", "Every message once, in order. I like that."),
]


def main() -> None:
    """Talk, then take the picture as ada sees it."""
    with RunningServer() as server, sync_playwright() as playwright:
        browser = launch(playwright)
        people: dict[str, ChatPage] = {}
        for name in ("ada", "grace", "linus"):
            context = browser.new_context(viewport=SIZE, device_scale_factor=2, locale="en-GB")
            people[name] = ChatPage(context.new_page())
            people[name].register(server.url, name)
        for name, text in WORDS:
            people[name].write(text)
            for page in people.values():
                expect(page.messages.last).to_contain_text(text)
        picture(people["ada"].page)
        browser.close()


def picture(page: Page) -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    page.evaluate("document.activeElement.blur()")  # the focus ring would draw the eye
    page.screenshot(path=PICTURE, animations="disabled")


if __name__ == "__main__":
    main()
