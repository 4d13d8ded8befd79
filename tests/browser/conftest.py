"""Fixtures of the browser tests: Debian's Chromium, and pages that must not raise an error."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from browser.chat_page import ChatPage
from browser.chromium import HEADLESS_SHELL, launch
from browser.scripted_server import ORIGIN, ScriptedServer


# Module scope: Playwright's event loop runs in this thread, and no other loop can run while it lives.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a module."""
    with sync_playwright() as playwright:
        started = launch(playwright, executable=HEADLESS_SHELL)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[], ChatPage]]:
    """Return a function that opens a page in a browser context of its own, with its own cookies and storage.

    Without the service worker, which reads all files of the page and answers instead of a scripted server.
    test_installed_page.py has it.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_one() -> ChatPage:
        context = browser.new_context(service_workers="block")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        # A script or style that the policy blocks shows only in the console: the page looks fine without it.
        page.on("console", lambda line: problems.append(line.text) if "violates" in line.text else None)
        return ChatPage(page)

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def ada(open_page: Callable[[], ChatPage]) -> ChatPage:
    """A page for the scripted server (`scripted`)."""
    return open_page()


@pytest.fixture
def scripted(ada: ChatPage) -> ScriptedServer:
    """The scripted server behind `ada`, with an earlier session that the page restores."""
    ada.page.add_init_script("localStorage.setItem('cloudchat.signed_in', '1')")
    return ScriptedServer(ada.page.context)


@pytest.fixture
def chat(ada: ChatPage, scripted: ScriptedServer) -> ChatPage:
    """The open chat of `ada`, with one message."""
    scripted.add_message("one")
    ada.page.goto(ORIGIN)
    ada.wait_connected()
    expect(ada.message("one")).to_be_visible()
    return ada
