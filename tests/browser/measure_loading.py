"""Measures in Chromium what the page loads at first and when it can be used, on a slow phone and slow networks.

    .venv/bin/python tests/browser/measure_loading.py [--runs 3] [--cpu 4]

Each visit is the first one: nothing is cached. The networks are those of Lighthouse: slow 4G (1.6 Mbit/s, 150 ms round
trip) and 3G (700 kbit/s, 300 ms). `cdp` lets the browser slow down its requests, as its developer tools do; that leaves
out the connections, TLS and the WebSocket. `line` sends every byte through a slow line (`slow_line.py`), also those.
"""

import argparse
import os
import signal
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chat_page import ChatPage
from browser.chromium import HEADLESS_SHELL, launch
from browser.slow_line import SlowLine
from support.nginx import DOMAIN, ORIGIN
from support.server import RunningServer
from support.site import RunningSite

PHONE: ViewportSize = {"width": 360, "height": 740}
MESSAGES = 20
MAX_VISIT_SECONDS = 90
MAX_SIGN_IN_SECONDS = 180


class Network(NamedTuple):
    """A network by its speed and its round trip."""

    name: str
    bits_per_second: int
    round_trip_ms: int


NETWORKS = (Network("slow 4G", 1_600_000, 150), Network("3G", 700_000, 300))


class Target(NamedTuple):
    """A server by its name, the address that the browser opens, and the port to which it connects."""

    name: str
    url: str
    port: int


def main() -> None:
    """Print a table: what is loaded, and when the sign-in and the chat can be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="the median is printed")
    parser.add_argument("--cpu", type=float, default=4, help="the factor by which the processor is slowed down")
    options = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f}; processor x{options.cpu:g}; {options.runs} runs")
    print(f"{'server':14}{'network':10}{'how':6}{'sign-in':>9}{'chat':>9}   requests, kB at first (chat)")
    with ExitStack() as stack, sync_playwright() as playwright:
        server = stack.enter_context(RunningServer(environment={"CLOUDCHAT_REGISTRATION": "open"}))
        site = stack.enter_context(RunningSite())
        targets = (
            Target("nginx, HTTP/2", ORIGIN, site.nginx.https_port),
            Target("direct", server.url, int(server.url.rpartition(":")[2])),
        )
        for target in targets:
            for network in NETWORKS:
                for how in ("cdp", "line"):
                    measure(playwright, target, network, how, options)


def measure(playwright: Any, target: Target, network: Network, how: str, options: argparse.Namespace) -> None:
    """Print one line of the table."""
    with open_browser(playwright, target, network if how == "line" else None) as browser:
        with time_limit(MAX_SIGN_IN_SECONDS, f"registering a user, {target.name}, {network.name}, {how}"):
            cookies = sign_in(browser, target)
        slow = network if how == "cdp" else None
        sign_ins, chats, loads = [], [], []
        for run in range(options.runs):
            with time_limit(MAX_VISIT_SECONDS, f"visit {run + 1} to the sign-in, {target.name}, {network.name}, {how}"):
                sign_ins.append(visit(browser, target, [], slow, options.cpu)[0])
            with time_limit(MAX_VISIT_SECONDS, f"visit {run + 1} to the chat, {target.name}, {network.name}, {how}"):
                milliseconds, load, cookies = visit(browser, target, cookies, slow, options.cpu)
            chats.append(milliseconds)
            loads.append(load)
    times = f"{statistics.median(sign_ins):7.0f}ms{statistics.median(chats):7.0f}ms"
    print(f"{target.name:14}{network.name:10}{how:6}{times}   {loads[-1]}", flush=True)


@contextmanager
def time_limit(seconds: int, what: str) -> Iterator[None]:
    """Raise TimeoutError if the block takes longer: not every call of Playwright has a timeout of its own."""

    def fail(*_: object) -> None:
        raise TimeoutError(f"not done within {seconds} s: {what}")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


@contextmanager
def open_browser(playwright: Any, target: Target, line: Network | None) -> Iterator[Browser]:
    """Start a browser whose connections to the target go through a slow line."""
    with ExitStack() as stack:
        port = target.port
        if line is not None:
            port = stack.enter_context(SlowLine(port, line.bits_per_second, line.round_trip_ms)).port
        rule = f"--host-resolver-rules=MAP {DOMAIN}:443 127.0.0.1:{port}, MAP 127.0.0.1:{target.port} 127.0.0.1:{port}"
        browser = launch(playwright, rule, executable=HEADLESS_SHELL)
        stack.callback(browser.close)
        yield browser


def sign_in(browser: Browser, target: Target) -> list[Any]:
    """Register a user who has read some messages, and return the cookies."""
    context = browser.new_context(ignore_https_errors=True)
    chat = ChatPage(context.new_page())
    name = f"u{os.getpid()}{abs(hash((target.name, id(browser)))) % 10_000}"
    chat.register(target.url, name)
    for number in range(MESSAGES):
        chat.send(f"Message {number} that takes a line on a phone.")
    chat.messages.nth(MESSAGES - 1).wait_for()
    cookies = context.cookies()
    context.close()
    return cookies


def visit(
    browser: Browser, target: Target, cookies: list[Any], network: Network | None, cpu: float
) -> tuple[float, str, list[Any]]:
    """Open the page for the first time. Return after how many ms it can be used, what was loaded, and the cookies."""
    context = browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, ignore_https_errors=True, service_workers="block"
    )
    if cookies:
        context.add_cookies(cookies)
        context.add_init_script("localStorage.setItem('cloudchat.signed_in', '1')")
    page = context.new_page()
    slow_down(page, network, cpu)
    page.add_init_script(WATCH)
    page.goto(target.url, wait_until="commit")
    usable = page.locator("html[data-usable-after]")
    usable.wait_for(state="attached", timeout=60_000)
    milliseconds = float(usable.get_attribute("data-usable-after") or 0)
    load = page.evaluate(COUNT)
    result = milliseconds, load, context.cookies()
    context.close()
    return result


WATCH = """
{
  const isUsable = () => {
    const signIn = document.querySelector('#sign-in-screen');
    if (signIn !== null && !signIn.hidden && document.activeElement?.id === 'username') return true;
    const chat = document.querySelector('#chat');
    if (chat === null || chat.hidden) return false;
    return document.querySelector('#connection')?.dataset.state === 'connected'
      && document.querySelectorAll('#messages .message').length > 5;
  };
  const check = () => {
    if (isUsable()) setTimeout(() => { document.documentElement.dataset.usableAfter = performance.now(); });
    else requestAnimationFrame(check);
  };
  requestAnimationFrame(check);
}
"""
COUNT = """
(() => {
  const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const files = entries.filter(({ name }) => !name.includes('/api/'));
  const bytes = files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  return `${files.length} files, ${(bytes / 1000).toFixed(1)} kB, and ${entries.length - files.length} API`;
})()
"""


def slow_down(page: Page, network: Network | None, cpu: float) -> None:
    """Slow the page's processor and its requests down."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": cpu})
    if network is None:
        return
    bytes_per_second = network.bits_per_second / 8
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": network.round_trip_ms,
            "downloadThroughput": bytes_per_second,
            "uploadThroughput": bytes_per_second,
        },
    )


if __name__ == "__main__":
    main()
