"""Starts Debian's Chromium for the browser tests."""

from pathlib import Path

from playwright.sync_api import Browser, Playwright

EXECUTABLE = Path("/usr/bin/chromium")
# No sandbox, because tests run as root in containers. The other options stop requests to anything but the server.
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
    """Start a headless browser without a profile. The caller closes it."""
    return playwright.chromium.launch(executable_path=EXECUTABLE, args=[*ARGUMENTS, *arguments], headless=True)
