"""Debian's Chromium, as the browser tests start it."""

from pathlib import Path

from playwright.sync_api import Browser, Playwright

EXECUTABLE = Path("/usr/bin/chromium")
# No sandbox: tests run as root in containers. The rest keeps the browser from talking to anybody but the server.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """A headless browser without a profile. Close it."""
    return playwright.chromium.launch(executable_path=EXECUTABLE, args=[*ARGUMENTS, *arguments], headless=True)
