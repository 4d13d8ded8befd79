"""The page's files and the browser's cache: after an upgrade, no old module runs beside a new one."""

import os
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from cloudchat.http.page_files import PageFiles
from support.http_app import TestClient

FILES = ("index.html", "modules/a.js", "modules/b.js", "style.css", "icon.svg", "config.json")
MOMENT = 1_700_000_000


def write(folder: Path, text: str, moment: float = MOMENT) -> None:
    """Write each file with this text and this modification time, as an unpacked archive has them."""
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text(text)
        os.utime(path.with_suffix(".new"), (moment, moment))
        path.with_suffix(".new").rename(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "old")
    return tmp_path


@pytest.fixture
def http(folder: Path) -> httpx.Client:
    app = Starlette(routes=[Mount("/", PageFiles(folder))])
    client: httpx.Client = TestClient(app)
    return client


@pytest.mark.parametrize("path", ["/", *(f"/{name}" for name in FILES)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_asks_each_time_and_gets_304_while_nothing_changed(
    http: httpx.Client, path: str, method: str
) -> None:
    first = http.request(method, path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = http.request(method, path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("moment", [MOMENT, MOMENT + 3600, MOMENT - 3600])
def test_after_an_upgrade_or_a_rollback_every_file_is_the_new_one(
    http: httpx.Client, folder: Path, moment: float
) -> None:
    """Also with the size and the modification time of the old file: archives and images can fix both."""
    cached = {name: http.get(f"/{name}") for name in FILES}
    write(folder, "new", moment)
    for name, old in cached.items():
        since = formatdate(MOMENT, usegmt=True)
        headers = {"If-None-Match": old.headers["etag"], "If-Modified-Since": since}
        assert http.get(f"/{name}", headers=headers).text == "new"
        assert http.get(f"/{name}", headers={"If-Modified-Since": since}).text == "new"


def test_a_range_of_a_changed_file_is_not_mixed_with_the_old_one(http: httpx.Client, folder: Path) -> None:
    """The whole file is sent, which a server may do for every range."""
    old = http.get("/style.css").headers["etag"]
    headers = {"Range": "bytes=1-", "If-Range": old}
    first = http.get("/style.css", headers=headers)
    assert (first.status_code, first.text) == (200, "old")
    write(folder, "new")
    assert http.get("/style.css", headers=headers).text == "new"


def test_one_request_for_the_page_shows_whether_any_file_has_changed(http: httpx.Client, folder: Path) -> None:
    """The service worker relies on it."""
    before = http.get("/").headers["etag"]
    assert http.get("/index.html").headers["etag"] == before
    (folder / "modules" / "b.js").write_text("new")
    assert http.get("/", headers={"If-None-Match": before}).status_code == 200
    assert http.get("/").headers["etag"] != before


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "identity", "gzip;q=0", ""])
def test_a_file_is_sent_compressed_to_a_browser_that_accepts_it(
    http: httpx.Client, folder: Path, accepted: str
) -> None:
    (folder / "style.css").write_text("a { color: red }\n" * 100)
    plain = http.get("/style.css", headers={"Accept-Encoding": "identity"})
    sent = http.get("/style.css", headers={"Accept-Encoding": accepted})
    is_compressed = accepted.startswith(("gzip", "br")) and not accepted.endswith("q=0")
    assert sent.text == plain.text
    assert sent.headers.get("content-encoding") == ("gzip" if is_compressed else None)
    assert (int(sent.headers["content-length"]) < 200) == is_compressed
    assert (sent.headers["etag"] != plain.headers["etag"]) == is_compressed
    assert sent.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/none.js", 404),
        ("POST", "/none.js", 404),
        ("POST", "/style.css", 405),
        ("GET", "/../pyproject.toml", 404),
        ("GET", "/modules", 404),
        ("GET", "/.hidden", 404),
    ],
)
def test_only_the_files_of_the_page_are_served(
    http: httpx.Client, folder: Path, method: str, path: str, status: int
) -> None:
    (folder / ".hidden").write_text("secret")
    assert http.request(method, path).status_code == status
