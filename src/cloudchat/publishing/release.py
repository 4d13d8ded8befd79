"""What a bucket has to hold, decided without one: a release that never changes, and a page that names it.

All files but two go into a folder named by the hash of everything in it. So a publish never changes what a reader is
just loading: the old page finds the old modules, the new one, which comes last, the new ones, and caches may keep both
for ever.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloudchat.publishing.hosted_page import hosted_page
from cloudchat.publishing.origin import Origin

# By name and not by the machine's mime.types, which differ. A module of another type is refused by every browser.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"
_PAGE, _CONFIG = "index.html", "config.json"
_RELEASE = re.compile(r"release-[0-9a-f]{16}")


class UnknownKindOfFile(Exception):
    """A file whose content type is not known here."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One object as it should be."""

    path: str
    content: bytes
    content_type: str
    cache_control: str

    @property
    def fingerprint(self) -> str:
        """Changes whenever the object has to be written again: SHA-256 of content and headers."""
        return _sha256((self.content_type, self.cache_control), self.content)


@dataclass(frozen=True, slots=True)
class Release:
    """What a publish makes true. `uploads` in this order: what the page needs, then the page."""

    folder: str
    uploads: tuple[Upload, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the bucket holds: all paths, the `fingerprint`s noted with them, and the page."""

    paths: frozenset[str]
    fingerprints: Mapping[str, str]
    page: str = ""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is left to do."""

    uploads: tuple[Upload, ...]
    unchanged: int
    outdated: tuple[str, ...]


def plan(files: Mapping[str, bytes], api: Origin | None) -> Release:
    """The release of a folder's files (by path, with `/`). Raises UnknownKindOfFile, `hosted_page.PageError`."""
    fixed = [
        Upload(path, content, _type_of(path), _FOR_EVER)
        for path, content in sorted(files.items())
        if path not in (_PAGE, _CONFIG)
    ]
    names = [upload.path for upload in fixed]
    folder = f"release-{_sha256(part for upload in fixed for part in (upload.path, upload.fingerprint))[:16]}"
    html = hosted_page(files[_PAGE].decode(), names, folder, api)
    config = json.dumps({"api": str(api or ""), "socket": api.socket if api else ""}) + "\n"
    return Release(
        folder,
        (
            *(Upload(f"{folder}/{one.path}", one.content, one.content_type, one.cache_control) for one in fixed),
            Upload(_CONFIG, config.encode(), _TYPES[".json"], _ASK_EACH_TIME),
            Upload(_PAGE, html.encode(), _TYPES[".html"], _ASK_EACH_TIME),
        ),
    )


def changing(release: Release) -> list[str]:
    """The paths whose content differs from release to release: their fingerprints have to be asked for."""
    return [upload.path for upload in release.uploads if not _RELEASE.match(upload.path)]


def steps(release: Release, found: Found, *, delete: bool) -> Steps:
    """What is missing or different; with `delete` also what only releases before the one that is replaced needed.

    The replaced one stays until the next time, for readers who are just loading it. Nothing is outdated that no
    publish has written.
    """
    done = {
        upload.path
        for upload in release.uploads
        if (upload.path in found.paths and upload.path.startswith(f"{release.folder}/"))
        or found.fingerprints.get(upload.path) == upload.fingerprint
    }
    needed = {release.folder, *_RELEASE.findall(found.page)}
    folders = {path: path.partition("/")[0] for path in found.paths if delete}
    return Steps(
        tuple(upload for upload in release.uploads if upload.path not in done),
        len(done),
        tuple(sorted(p for p, folder in folders.items() if _RELEASE.fullmatch(folder) and folder not in needed)),
    )


def _type_of(path: str) -> str:
    ending = "." + path.rpartition(".")[2]
    if ending not in _TYPES:
        raise UnknownKindOfFile(f"{path}: no content type is known for {ending!r}; known are {', '.join(_TYPES)}")
    return _TYPES[ending]


def _sha256(parts: Iterable[str], content: bytes = b"") -> str:
    digest = hashlib.sha256(json.dumps(list(parts)).encode())
    digest.update(content)
    return digest.hexdigest()
