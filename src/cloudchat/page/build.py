"""From the source files of the page to the files that are served."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from cloudchat.page.bundles import APP, EARLY, ENTRY, build_bundles
from cloudchat.page.javascript import strip_comments

PAGE = "index.html"
WORKER = "service_worker.js"
STYLES = "styles.css"
# A table and not the machine's mime.types, which differ. Browsers do not run a module that has another type.
_CONTENT_TYPES = {
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
_COMPRESSED_ALREADY = (".ico", ".png", ".woff2")
_MIN_COMPRESSED_BYTES = 256
"""Smaller files are not shorter on the network: an answer's headers take as much."""
_MODULES = "modules/"
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_SPACE = re.compile(r"\s*\n\s*")
_STYLESHEET = re.compile(r'[ \t]*<link rel="stylesheet" href="([^":]+)">\n')
_SCRIPT = re.compile(rf'[ \t]*<script type="module" src="{re.escape(ENTRY)}"></script>\n')


class UnknownFileType(Exception):
    """A file has an extension without a known content type."""


class BuiltFile(Struct, frozen=True):
    """A file as it is served. `compressed` is its gzip form, None if that is hardly smaller. `digest` is a hash."""

    path: str
    content: bytes
    content_type: str
    compressed: bytes | None
    digest: str


def read_directory(directory: Path) -> dict[str, bytes]:
    """Return the contents of all files below a directory by their path with `/`, without hidden ones."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def build_page(files: Mapping[str, bytes]) -> dict[str, BuiltFile]:
    """Return the files to serve, for the source files of the page. Raises BundleError, UnknownFileType."""
    built = dict(files)
    if ENTRY in files:
        modules = {path: text.decode() for path, text in files.items() if path in (EARLY, ENTRY) or _is_module(path)}
        built = {path: content for path, content in files.items() if path not in modules}
        built |= {path: text.encode() for path, text in build_bundles(modules).items()}
    if WORKER in files:
        built[WORKER] = strip_comments(files[WORKER].decode()).encode()
    names = _STYLESHEET.findall(files.get(PAGE, b"").decode())
    if names:
        styles = "\n".join(_minify_css(built.pop(name).decode()) for name in names)
        built |= {STYLES: styles.encode(), PAGE: _refer_to_built_files(files[PAGE].decode()).encode()}
    return {path: build_file(path, content) for path, content in sorted(built.items())}


def build_file(path: str, content: bytes) -> BuiltFile:
    """Return a file with its type and its compressed form. Raises UnknownFileType."""
    compressed = None
    if not path.endswith(_COMPRESSED_ALREADY) and len(content) >= _MIN_COMPRESSED_BYTES:
        compressed = gzip.compress(content, mtime=0)
    digest = hashlib.sha256(content).hexdigest()[:32]
    return BuiltFile(path, content, _content_type(path), compressed, digest)


def page_version(files: Mapping[str, BuiltFile]) -> str:
    """Return a hash that changes with any file."""
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        digest.update(f"{path}\n{file.digest}\n".encode())
    return digest.hexdigest()[:32]


def _content_type(path: str) -> str:
    extension = "." + path.rpartition(".")[2]
    if extension not in _CONTENT_TYPES:
        raise UnknownFileType(f"{path}: unknown file type {extension!r}; known are {', '.join(_CONTENT_TYPES)}")
    return _CONTENT_TYPES[extension]


def _is_module(path: str) -> bool:
    return path.startswith(_MODULES) and path.endswith(".js")


def _refer_to_built_files(html: str) -> str:
    head = f'    <link rel="stylesheet" href="{STYLES}">\n    <link rel="modulepreload" href="{APP}">\n'
    return _SCRIPT.sub(lambda script: head + script[0], _STYLESHEET.sub("", html))


def _minify_css(text: str) -> str:
    return _CSS_SPACE.sub("\n", _CSS_COMMENT.sub("", text)).strip()


def write_directory(files: Mapping[str, BuiltFile], directory: Path) -> None:
    """Write the files, and beside each its compressed form with the suffix `.gz`, for nginx's gzip_static."""
    for path, file in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        if file.compressed is not None:
            target.with_name(f"{target.name}.gz").write_bytes(file.compressed)
