"""The static files of the browser page, and how long a browser may use its copies of them."""

import hashlib
import os
import stat
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Scope

_REVALIDATE = "no-cache"
"""A browser may keep a copy, but asks each time (RFC 9111 §5.2.2.4). The names of the modules have no version, so with
any lifetime a browser would run old modules beside new ones after an upgrade."""
_PAGE = "index.html"


class PageFiles(StaticFiles):
    """Serves the files with an `ETag` of their content, which is all that a browser's copy is compared by.

    Starlette's `ETag` is made of size and modification time. Both can be the same in two versions, where an archive or
    an image fixes the time, and after a rollback `If-Modified-Since` would keep the newer file.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._etags: dict[str, tuple[tuple[int, ...], str]] = {}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, or raise HTTPException: 404 for a missing file whatever the method is, else 405."""
        if scope["method"] in ("GET", "HEAD"):
            return await super().get_response(path, scope)
        await super().get_response(path, {**scope, "method": "HEAD"})
        raise HTTPException(405)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find the file, and read its `ETag` if it is new or has changed. Starlette calls this in a thread."""
        full_path, found = super().lookup_path(path)
        if found is not None and stat.S_ISREG(found.st_mode):
            self._read_etag(full_path, found)
            if os.path.basename(full_path) == _PAGE:
                self._etags[full_path] = (), self._etag_of_all(os.path.dirname(full_path))
        return full_path, found

    def _read_etag(self, full_path: str, found: os.stat_result) -> str:
        version = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        if self._etags.get(full_path, ((), ""))[0] != version:
            with open(full_path, "rb") as file:
                self._etags[full_path] = version, f'"{hashlib.file_digest(file, "sha256").hexdigest()[:32]}"'
        return self._etags[full_path][1]

    def _etag_of_all(self, folder: str) -> str:
        """Return an `ETag` for the page that changes with any file, so that one request shows whether all are current.

        The service worker asks for it at each visit. It costs one `stat` for each file, about 1 ms.
        """
        digest = hashlib.sha256()
        for path, _, names in sorted(os.walk(folder)):
            for full_path in (os.path.join(path, name) for name in sorted(names)):
                digest.update(f"{full_path}\n{self._read_etag(full_path, os.stat(full_path))}\n".encode())
        return f'"{digest.hexdigest()[:32]}"'

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file, or 304 if the browser's copy is the same."""
        headers = {"Cache-Control": _REVALIDATE, "ETag": self._etags[str(full_path)][1]}
        response = FileResponse(full_path, status_code=status_code, headers=headers, stat_result=stat_result)
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response

    def is_not_modified(self, response_headers: Headers, request_headers: Headers) -> bool:
        """Compare only by `If-None-Match`."""
        return "if-none-match" in request_headers and super().is_not_modified(response_headers, request_headers)
