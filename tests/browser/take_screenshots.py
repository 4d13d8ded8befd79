"""Takes a screenshot of every screen into docs/screenshots. Run `make screenshots`, then look at each.

A real server gets users, rooms and a conversation over HTTP. The page shows them on a desktop, on a phone, and dark.
"""

import base64
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chat_page import PASSWORD, ChatPage
from browser.chromium import launch
from browser.screens import SCREENS, close_all, fill, open_room
from support.server import RunningServer

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
VIEWS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1120, "height": 760}, "device_scale_factor": 1.5},
    "dark": {"viewport": {"width": 1120, "height": 760}, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 780},
        "device_scale_factor": 1.5,
        "has_touch": True,
        "is_mobile": True,
    },
}


def main() -> None:
    """Take the screenshots of all screens in all views."""
    FOLDER.mkdir(exist_ok=True)
    with RunningServer() as server, sync_playwright() as playwright:
        fill(server)
        browser = launch(playwright)
        for view, options in VIEWS.items():
            print(f"taking the screenshots: {view}", flush=True)
            take_screens(browser, server, view, options)
        browser.close()


def take_screens(browser: Browser, server: RunningServer, view: str, options: dict[str, Any]) -> None:
    """Walk through the page as an administrator."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce", **options)
    chat = ChatPage(context.new_page())
    page = chat.page

    devtools = context.new_cdp_session(page)

    def take(screen: str) -> None:
        page.evaluate("document.fonts.ready")
        page.evaluate("document.documentElement.style.caretColor = 'transparent'")  # it blinks
        # Playwright has no WebP, which is a third of the size.
        picture = devtools.send("Page.captureScreenshot", {"format": "webp", "quality": 85})["data"]
        (FOLDER / f"{screen}-{view}.webp").write_bytes(base64.b64decode(picture))

    page.goto(server.url)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    take("sign-in")
    chat.sign_in("ada", PASSWORD)
    chat.wait_connected()
    open_room(page, "Launch")
    expect(chat.messages.last).to_contain_text("Every message once")
    expect(chat.messages.locator(".code-keyword").first).to_be_visible()
    for screen, opening in SCREENS.items():
        if screen == "drawer" and view != "phone":
            continue
        opening(page)
        take(screen)
        close_all(page)
    context.close()


if __name__ == "__main__":
    main()
