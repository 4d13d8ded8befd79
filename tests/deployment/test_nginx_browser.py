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
        address = f"--host-resolver-rules=MAP {DOMAIN}:443 127.0.0.1:{site.nginx.https_port}"
        # For the service worker: a certificate that only the page's context accepts is refused for its script.
        # test_nginx_certificates.py tests whether the certificate is trusted.
        started = launch(playwright, address, "--ignore-certificate-errors")
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
    contexts = [browser.new_context() for _ in range(2)]
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


def test_installed_page_of_nginx_is_updated_and_opens_without_a_network(site: RunningSite, browser: Browser) -> None:
    context = browser.new_context()
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("console", lambda line: problems.append(line.text) if "violates" in line.text else None)
    chat = ChatPage(context.new_page())
    chat.register(ORIGIN, "cleo")
    chat.send("to be read in the train")
    expect(chat.message("to be read in the train")).to_be_visible()
    chat.wait_for_versions(1)
    chat.wait_cached("to be read in the train")

    site.nginx.publish({"index.html": ("<html", '<html data-version="2"')})
    chat.page.reload()  # opens the old version at once, and looks for a new one
    chat.page.get_by_role("button", name="Reload").click()  # the worker reads all files twice first
    expect(chat.page.locator("html")).to_have_attribute("data-version", "2")
    chat.wait_connected()

    context.set_offline(True)
    chat.page.reload()
    expect(chat.page.locator("html")).to_have_attribute("data-version", "2")
    expect(chat.message("to be read in the train")).to_be_visible()
    expect(chat.banner).to_contain_text("You see what was loaded until")
    context.set_offline(False)
    chat.wait_connected()
    context.close()
    assert problems == []


def test_policy_of_nginx_blocks_a_socket_to_another_host(browser: Browser) -> None:
    """The policy of nginx is stricter than the one in the page."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(ORIGIN)
    script = """() => new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.blockedURI));
        try { new WebSocket("wss://other.example.test/ws"); } catch { }
    })"""
    assert page.evaluate(script) == "wss://other.example.test/ws"
    context.close()
