"""Starts Debian's Chromium for the browser tests."""

from pathlib import Path

from playwright.sync_api import Browser, Playwright

CHROMIUM = Path("/usr/bin/chromium")
HEADLESS_SHELL = Path("/usr/bin/chromium-headless-shell")
"""Chromium's engine, network and scripts without its windows: a page costs half the CPU (0.3 instead of 0.6 s)."""

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


def launch(playwright: Playwright, *arguments: str, executable: Path = CHROMIUM) -> Browser:
    """Start a headless browser without a profile. The caller closes it."""
    return playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS, *arguments], headless=True)
