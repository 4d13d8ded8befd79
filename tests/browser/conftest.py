"""Fixtures of the browser tests: Debian's Chromium, and pages that must run without an error."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from browser.chat_page import ChatPage
from browser.chromium import launch
from browser.scripted_server import ORIGIN, ScriptedServer


@pytest.fixture(scope="module")  # while Playwright lives, its event loop runs in this thread: no other one can
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[[], ChatPage]]:
    """Makes people: each call gives a page in a browser context of its own (own cookies, own storage)."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def arrive() -> ChatPage:
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        # A blocked script or style is only a line in the console, and the page looks alive without it.
        page.on("console", lambda line: problems.append(line.text) if "violates" in line.text else None)
        return ChatPage(page)

    yield arrive
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def ada(person: Callable[[], ChatPage]) -> ChatPage:
    """A page whose server is scripted by the test (`scripted`)."""
    return person()


@pytest.fixture
def scripted(ada: ChatPage) -> ScriptedServer:
    """The server behind `ada`, who is signed in already: the page comes back after an earlier sign-in."""
    ada.page.add_init_script("localStorage.setItem('cloudchat.signed_in', '1')")
    return ScriptedServer(ada.page.context)


@pytest.fixture
def chat(ada: ChatPage, scripted: ScriptedServer) -> ChatPage:
    """The chat is open and shows one message."""
    scripted.say("one")
    ada.page.goto(ORIGIN)
    ada.is_connected()
    expect(ada.says("one")).to_be_visible()
    return ada


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Callable[..., Any]]:
    """Runs JavaScript with the page's modules at hand: `await load("timeline")`. Returns its value.

    One page for all tests: a module keeps nothing between two of them.
    """
    context = browser.new_context()
    ScriptedServer(context).signed_in = False
    page = context.new_page()
    page.goto(ORIGIN)

    def run(body: str, argument: object = None) -> Any:
        code = f"async (argument) => {{ const load = (name) => import(`/modules/${{name}}.js`);\n{body}\n}}"
        return page.evaluate(code, argument)

    yield run
    context.close()
