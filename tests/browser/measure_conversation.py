"""Measures the conversation in Chromium: bursts while typing, scrolling back, nodes and memory.

    .venv/bin/python tests/browser/measure_conversation.py [--messages 5000] [--cpu 4]
    .venv/bin/python tests/browser/measure_conversation.py --memory --messages 50000

The server is inside of the page (`measure_conversation.js`), so that no other process takes time from it. Frames per
second and the delay of keys need an idle machine; the processor time of the page's main thread does not.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.chat_page import ChatPage
from browser.chromium import launch
from browser.scripted_server import ORIGIN, ScriptedServer

SERVER = Path(__file__).with_suffix(".js")
BURST_SECONDS = 6
KEY_EVERY_MS = 150
SETTLE_MS = 2_000
SCROLL_PX = 700


def main() -> None:
    """Measure with the processor as it is, and slowed down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5_000, help="through which to scroll back")
    parser.add_argument("--cpu", type=float, default=4, help="the factor by which the processor is slowed down")
    parser.add_argument("--memory", action="store_true", help="only scroll back, and measure what the page keeps")
    options = parser.parse_args()
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for factor in () if options.memory else (1, options.cpu):
            page = open_page(browser, options.messages)
            slow_down(page, factor)
            report(f"100 messages/s while typing, CPU x{factor:g}", traced(browser, page, burst))
            page.context.close()
        page = open_page(browser, options.messages)
        if options.memory:
            report_memory(page, options.messages)
        else:
            title = f"scroll back through {options.messages} messages"
            report(title, traced(browser, page, lambda page: scroll_back(page, options.messages)))
        browser.close()


def open_page(browser: Browser, messages: int) -> Page:
    """Open the chat on the server inside of the page."""
    context = browser.new_context(viewport={"width": 1024, "height": 800})
    page = context.new_page()
    ScriptedServer(context)
    page.add_init_script(f"localStorage.setItem('cloudchat.signed_in', '1'); window.MEASURED_MESSAGES = {messages};")
    page.add_init_script(path=SERVER)
    page.goto(ORIGIN)
    chat = ChatPage(page)
    chat.wait_connected()
    chat.messages.last.wait_for()
    return page


def slow_down(page: Page, factor: float) -> None:
    """Slow the page's processor down."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": factor})


def burst(page: Page) -> dict[str, Any]:
    """Receive 100 messages per second at the bottom, and type meanwhile."""
    page.get_by_role("textbox", name="Message").focus()
    page.wait_for_timeout(SETTLE_MS)  # the first paint of a page takes longer, and is not what a burst costs
    page.evaluate(f"window.result = measure.burst(100, {BURST_SECONDS}); null")
    for _ in range(BURST_SECONDS * 1000 // KEY_EVERY_MS):
        page.keyboard.press("a")
        page.wait_for_timeout(KEY_EVERY_MS)
    return dict(page.evaluate("window.result"))


def scroll_back(page: Page, messages: int) -> dict[str, Any]:
    """Scroll upwards by most of a screen with each frame."""
    return dict(page.evaluate(f"measure.scrollBack({messages}, {SCROLL_PX})"))


def traced(browser: Browser, page: Page, run: Callable[[Page], dict[str, Any]]) -> dict[str, Any]:
    """Run a measurement, and add the processor time of the tasks of the page's main thread."""
    browser.start_tracing(page=page, categories=["devtools.timeline", "disabled-by-default-devtools.timeline"])
    result = run(page)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event.get("tdur", 0) / 1000
        for event in events
        if event["name"] == "RunTask" and (event["pid"], event["tid"]) in threads
    ]
    return {
        **result,
        "cpu_seconds": sum(tasks) / 1000,
        "longest_task_cpu_ms": max(tasks),
        "tasks_over_50_ms_cpu": sum(task > 50 for task in tasks),
    }


def heap(page: Page) -> float:
    """Return the used heap in MB after a garbage collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def report_memory(page: Page, messages: int) -> None:
    """Scroll back through all messages, and print at some places how much the page keeps."""
    print(f"{'messages':>10}{'heap MB':>10}{'elements':>10}{'most elements':>16}")
    most = 0
    for depth in (0, messages // 10, messages // 2, messages):
        if depth > 0:
            most = max(most, scroll_back(page, depth)["mostNodes"])
        elements = page.evaluate("document.getElementsByTagName('*').length")
        print(f"{depth:10}{heap(page):10.1f}{elements:10}{most:16}", flush=True)


def report(title: str, result: dict[str, Any]) -> None:
    """Print one measurement."""
    print(title)
    for name, value in result.items():
        print(f"  {name}: {value:.1f}" if isinstance(value, float) else f"  {name}: {value}")


if __name__ == "__main__":
    main()
