"""Measures visits in Chromium: without a service worker, the second one, and without a server, also as on a phone.

    .venv/bin/python tests/browser/measure_visits.py

A visit begins with the navigation. Content is the first message in the page; live is the open socket. With CPU ×4, the
network has the latency and the throughput of Lighthouse's slow 4G, for requests that no service worker answers.
"""

import os
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ViewportSize, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chat_page import ChatPage
from browser.chromium import HEADLESS_SHELL, launch
from support.processes import wait_until
from support.server import RunningServer

VISITS = 5
MESSAGES = 100
PHONE: ViewportSize = {"width": 360, "height": 740}
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
WATCH = """
globalThis.visit = {};
new MutationObserver(() => {
  const now = performance.now();
  if (document.querySelector("[data-testid=message]") !== null) visit.content ??= now;
  if (document.querySelector("#connection")?.dataset.state === "connected") visit.live ??= now;
}).observe(document, { childList: true, subtree: true, attributes: true });
"""
READY = """async () => {
  await navigator.serviceWorker.ready;
  return (await (await caches.open("cloudchat")).match("/shell-current")) !== undefined;
}"""


def visit(context: BrowserContext, url: str, cpu: int, wanted: str) -> float:
    """Open the page, and return after how many milliseconds it has the content or is live."""
    page = context.new_page()
    session: Any = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": cpu})
    if cpu > 1:
        session.send("Network.emulateNetworkConditions", SLOW_4G)
    page.goto(url, wait_until="commit")
    wait_until(lambda: page.evaluate(f"visit.{wanted} !== undefined"), f"{wanted} is there", seconds=60)
    moment: float = page.evaluate(f"visit.{wanted}")
    page.close()
    return moment


def measure(server: RunningServer, without: BrowserContext, context: BrowserContext, cpu: int) -> None:
    """Print the median and the range of some visits of each kind, which alternate, so that the load is the same."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(VISITS):
        times["without a service worker: content"].append(visit(without, server.url, cpu, "content"))
        times["second visit: content"].append(visit(context, server.url, cpu, "content"))
        times["second visit: live"].append(visit(context, server.url, cpu, "live"))
        server.kill()
        times["second visit, no server: content"].append(visit(context, server.url, cpu, "content"))
        server.start()
    for name, found in times.items():
        print(f"{name:<34} CPU ×{cpu}  {statistics.median(found):6.0f} ms  ({min(found):.0f}–{max(found):.0f})")


def main() -> None:
    """Measure, and print a table."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    with (
        RunningServer(environment={"CLOUDCHAT_SENDS_PER_10S": "1000"}) as server,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright, executable=HEADLESS_SHELL)
        without = browser.new_context(viewport=PHONE, service_workers="block")
        context = browser.new_context(viewport=PHONE)
        for one, name in ((without, "grace"), (context, "ada")):
            one.add_init_script(WATCH)
            chat = ChatPage(one.new_page())
            chat.register(server.url, name)
            for number in range(MESSAGES if one is context else 1):
                chat.send(f"message {number}")
            expect(chat.pending).to_have_count(0, timeout=60_000)
            chat.page.wait_for_timeout(4_000)  # longer than the interval of the writer
            if one is context:
                chat.wait_for(READY)
            chat.page.close()
        for cpu in (1, 4):
            measure(server, without, context, cpu)
        browser.close()


if __name__ == "__main__":
    main()
