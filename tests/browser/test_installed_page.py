"""The service worker and the manifest: the page opens without a server, and an upgrade never mixes two versions.

The page is a copy of `frontend/` on a plain static file server, on another origin than the API. So this also shows that
no server has to name a version, and that the page works without a change of a script.
"""

import functools
import gzip
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.chat_page import ChatPage
from cloudchat.core.origin import Origin
from cloudchat.page.build import build_page, read_directory
from cloudchat.publishing.release import build_release
from cloudchat.resources import frontend_directory
from support.server import RunningServer, free_port

OFF = Path(__file__).parents[2] / "config" / "service_worker_off.js"
LOADED = "performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)"


class QuietHandler(SimpleHTTPRequestHandler):
    """Sends files with `Last-Modified` only."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class StaticHost:
    """A copy of the page on a file server that can be stopped."""

    def __init__(self, folder: Path, port: int, server: RunningServer) -> None:
        self.folder = shutil.copytree(frontend_directory(), folder / "page")
        self.url = f"http://localhost:{port}/"
        self._port = port
        # One site, so that the browser sends the session's cookie, and two origins.
        self._api = Origin.parse(f"http://localhost:{server.port}")
        (self.folder / "config.json").write_text(json.dumps({"api": str(self._api), "socket": self._api.websocket}))
        self.change("index.html", "ws: wss: https:", f"{self._api} {self._api.websocket}")
        self.start()

    def publish(self) -> None:
        """Serve what `cloudchat frontend publish` uploads."""
        files = build_page(read_directory(self.folder))
        shutil.rmtree(self.folder)
        for upload in build_release(files, self._api).uploads:
            path = self.folder / upload.path
            path.parent.mkdir(parents=True, exist_ok=True)
            content = upload.content
            path.write_bytes(gzip.decompress(content) if upload.content_encoding == "gzip" else content)

    def start(self) -> None:
        handler: Any = functools.partial(QuietHandler, directory=self.folder)
        self._http = ThreadingHTTPServer(("localhost", self._port), handler)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new))

    def upgrade(self, number: int) -> None:
        """Make a version in which the page and a module that is loaded on demand name the number."""
        page, module = self.folder / "index.html", self.folder / "modules" / "search" / "search_dialog.js"
        page.write_text(page.read_text().replace("<html", f'<html data-version="{number}"', 1))
        module.write_text(f"document.documentElement.dataset.search = {number};\n{module.read_text()}")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(port: int) -> Iterator[RunningServer]:
    with RunningServer(environment={"CLOUDCHAT_ALLOWED_ORIGINS": f"http://localhost:{port}"}) as running:
        yield running


@pytest.fixture
def host(tmp_path: Path, port: int, server: RunningServer) -> Iterator[StaticHost]:
    host = StaticHost(tmp_path, port, server)
    yield host
    host.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("console", lambda line: problems.append(line.text) if "violates" in line.text else None)
    yield context
    context.close()
    assert problems == []


def open_search(page: Page) -> None:
    page.get_by_role("button", name="Search").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("is_published", [False, True], ids=["files", "published"])
def test_page_opens_without_its_host_and_is_installable(
    host: StaticHost, context: BrowserContext, is_published: bool
) -> None:
    if is_published:
        host.publish()
    chat = ChatPage(context.new_page())
    chat.register(host.url, f"ada{is_published}")
    chat.wait_for_versions(1)
    host.stop()
    chat.page.reload()
    chat.wait_connected()
    open_search(chat.page)  # a module that was not loaded before
    (version,) = chat.stored_versions()
    assert {path for path in chat.page.evaluate(LOADED) if path.endswith(".js")} <= {
        path for path in chat.page.evaluate(LOADED) if path.startswith(f"/{version}")
    }
    host.start()
    session = context.new_cdp_session(chat.page)
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["name"] == "cloudchat"


def test_new_version_is_taken_at_the_next_visit_and_never_mixed(host: StaticHost, context: BrowserContext) -> None:
    old = ChatPage(context.new_page())
    old.register(host.url, "grace")
    old.wait_for_versions(1)
    old.page.reload()
    old.wait_connected()
    host.upgrade(2)
    module = host.folder / "modules" / "search" / "search_dialog.js"
    hidden = module.rename(module.with_suffix(".away"))  # the upgrade is half written
    new = ChatPage(context.new_page())
    with context.expect_event("console", lambda line: "could not be checked" in line.text):
        new.page.goto(host.url)
    assert len(old.stored_versions()) == 1
    hidden.rename(module)
    new.page.goto(host.url)  # opens the old version at once, and looks for a new one
    notice = old.page.get_by_text("A new version of cloudchat is ready.")
    expect(notice).to_be_visible()  # the worker reads all files twice first
    versions = old.wait_for_versions(2)
    open_search(old.page)
    assert old.page.evaluate("document.documentElement.dataset.search") is None  # its own version's module
    new.page.get_by_role("button", name="Reload").click()
    new.wait_connected()
    expect(new.page.locator("html")).to_have_attribute("data-version", "2")
    open_search(new.page)
    expect(new.page.locator("html")).to_have_attribute("data-search", "2")
    assert all(path.startswith(f"/{versions[0]}") for path in new.page.evaluate(LOADED) if path.endswith(".js"))


def test_worker_can_be_removed_from_every_browser(host: StaticHost, context: BrowserContext) -> None:
    chat = ChatPage(context.new_page())
    chat.page.goto(host.url)
    chat.wait_for_versions(1)
    shutil.copy(OFF, host.folder / "service_worker.js")
    chat.page.reload()
    chat.wait_for("async () => (await caches.keys()).length === 0")
    host.upgrade(2)
    chat.page.reload()
    expect(chat.page.locator("html")).to_have_attribute("data-version", "2")
    assert chat.page.evaluate("document.querySelector('script[src$=\"script.js\"]').src") == f"{host.url}script.js"
    chat.page.reload()  # the page registers the worker again, which does nothing but remove itself
    assert chat.page.evaluate("caches.keys()") == []
