"""The browser page, served from memory, and how long a browser may use its copies of the files."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cloudchat.page.build import PAGE, BuiltFile, build_page, page_version, read_directory
from cloudchat.process.allocator import return_free_memory

_REVALIDATE = "no-cache"
"""A browser may keep a copy, but asks each time (RFC 9111 §5.2.2.4). The names of the files have no version, so with
any lifetime a browser would run old modules beside new ones after an upgrade."""

_Signature = tuple[tuple[str, int, int, int, int], ...]


class _Page(Struct, frozen=True):
    signature: _Signature
    files: dict[str, BuiltFile]
    version: str


class PageFiles:
    """Serves the built files of a directory, each with an `ETag` of its content.

    The `ETag` of index.html changes with any file, so that one request shows whether all are current: the service
    worker asks for it at each visit. Modification times are no validators here: an archive or an image can fix them,
    and after a rollback `If-Modified-Since` would keep the newer file.

    The files are built at the first request, and again after one of them has changed: about 0.1 s. To notice that costs
    one `stat` for each file, less than 1 ms for a request.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._page: _Page | None = None
        self._building = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises HTTPException: 404 for a missing file whatever the method is, else 405."""
        request = Request(scope)
        page = await run_in_threadpool(self._current)
        path = scope["path"].lstrip("/") or PAGE
        if path not in page.files:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        await _respond(page, page.files[path], request.headers)(scope, receive, send)

    def _current(self) -> _Page:
        """Return the page, built again if a file has changed. Runs in a thread."""
        with self._building:
            signature = tuple(_stat_files(str(self._directory)))
            if self._page is None or self._page.signature != signature:
                files = build_page(read_directory(self._directory))
                self._page = _Page(signature, files, page_version(files))
                return_free_memory()
            return self._page


def _respond(page: _Page, file: BuiltFile, headers: Headers) -> Response:
    """Return the file in the form that the browser accepts, or 304 if its copy is the same.

    A range is answered with the whole file (RFC 9110 §14.2): all files are small.
    """
    is_compressed = file.compressed is not None and accepts_gzip(headers.get("accept-encoding", ""))
    digest = page.version if file.path == PAGE else file.digest
    etag = f'"{digest}{"-gzip" if is_compressed else ""}"'
    sent = {"Cache-Control": _REVALIDATE, "ETag": etag}
    if file.compressed is not None:
        sent["Vary"] = "Accept-Encoding"
    if etag in (tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=sent)
    if is_compressed:
        sent["Content-Encoding"] = "gzip"
    content = file.compressed if is_compressed else file.content
    return Response(content, headers=sent, media_type=file.content_type)


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether the value of `Accept-Encoding` allows gzip (RFC 9110 §12.5.3)."""
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _stat_files(directory: str) -> Iterator[tuple[str, int, int, int, int]]:
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.is_dir():
                yield from _stat_files(entry.path)
            else:
                found = entry.stat()
                yield entry.path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
