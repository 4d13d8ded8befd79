"""A browser signs in and chats over https and wss, through nginx."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from browser.chat_page import ChatPage
from browser.chromium import launch
from support.nginx import DOMAIN, ORIGIN
from support.site import RunningSite


@pytest.fixture(scope="module")
def browser(site: RunningSite) -> Iterator[Browser]:
    """A browser that resolves the domain to nginx's port, so that the page has the same address as in production."""
    with sync_playwright() as playwright:
        started = launch(playwright, f"--host-resolver-rules=MAP {DOMAIN}:443 127.0.0.1:{site.nginx.https_port}")
        yield started
        started.close()


def watch(page: Page, problems: list[str]) -> ChatPage:
    """Collect the errors, policy violations and failed requests of a page."""
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if "violates" in line.text else None)
    page.on("requestfailed", lambda request: problems.append(f"{request.url} {request.failure}"))
    return ChatPage(page)


def test_two_users_chat_over_https_and_wss(site: RunningSite, browser: Browser) -> None:
    problems: list[str] = []
    sockets: list[str] = []
    # test_nginx_certificates.py tests whether the certificate is trusted.
    contexts = [browser.new_context(ignore_https_errors=True) for _ in range(2)]
    ann, ben = (watch(context.new_page(), problems) for context in contexts)
    ann.page.on("websocket", lambda opened: sockets.append(opened.url))
    ann.register(ORIGIN, "ann")
    ben.register(ORIGIN, "ben")
    ann.send("good morning")
    expect(ben.message("good morning")).to_be_visible()
    ben.send("and to you")
    expect(ann.message("and to you")).to_be_visible()
    assert sockets == [f"wss://{DOMAIN}/ws"]
    refresh, route = sorted(cookie["name"] for cookie in contexts[0].cookies())
    assert refresh.startswith("__Host-cloudchat-refresh-")
    assert route == "__Host-cloudchat-route"
    assert all(cookie["secure"] and cookie["httpOnly"] for cookie in contexts[0].cookies())
    ann.page.reload()  # the cookie signs in
    ann.wait_connected()
    expect(ann.message("and to you")).to_be_visible()
    for context in contexts:
        context.close()
    assert problems == []


def test_policy_of_nginx_blocks_a_socket_to_another_host(browser: Browser) -> None:
    """The policy of nginx is stricter than the one in the page."""
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(ORIGIN)
    script = """() => new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.blockedURI));
        try { new WebSocket("wss://other.example.test/ws"); } catch { }
    })"""
    assert page.evaluate(script) == "wss://other.example.test/ws"
    context.close()
