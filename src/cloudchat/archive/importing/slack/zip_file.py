"""Read JSON files from a zip that anybody may have made: nothing is unpacked to disk, and every size is bounded."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from cloudchat.archive.importing.source import BadImport

MAX_FILE_BYTES = 64 << 20
"""A file of one channel and day with 60,000 messages."""
MAX_FILES = 1_000_000
MAX_RATIO = 300
"""JSON that repeats itself is compressed to a hundredth, a zip bomb to a thousandth."""
_SMALL_BYTES = 1 << 20  # too small to be a bomb
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BAD_PATH = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\\|\x00")
_ENCRYPTED = 0x1


class SlackZip:
    """An open zip. All methods raise BadImport for a file that cannot be read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        entries = archive.infolist()
        if len(entries) > MAX_FILES:
            raise BadImport(f"the zip has more than {MAX_FILES} files")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            _check_entry(entry)
            if entry.filename in self._entries:
                raise BadImport(f"the zip has the file {entry.filename!a} twice")
            self._entries[entry.filename] = entry

    def names(self) -> Iterator[str]:
        """Yield the names of all files."""
        return (name for name in self._entries if not name.endswith("/"))

    def fingerprint(self, name: str) -> str:
        """Return what changes when the content of a file changes."""
        entry = self._entries[name]
        return f"{name} {entry.CRC:08x} {entry.file_size}\n"

    def read_array(self, name: str) -> list[msgspec.Raw] | None:
        """Return the items of a JSON array, not parsed yet; None if the zip does not have the file."""
        if name not in self._entries:
            return None
        items: list[msgspec.Raw] = decode(self._read(name), name, list[msgspec.Raw])
        return items

    def _read(self, name: str) -> bytes:
        entry = self._entries[name]
        if entry.file_size > MAX_FILE_BYTES:
            raise BadImport(f"{name!a} has {entry.file_size >> 20} MiB, more than the {MAX_FILE_BYTES >> 20} allowed")
        try:
            with self._archive.open(entry) as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise BadImport(f"{name!a} in the zip is damaged: {error}") from error
        if len(content) != entry.file_size:
            raise BadImport(f"{name!a} in the zip has another size than it says")
        return content


@contextmanager
def open_zip(path: Path) -> Iterator[SlackZip]:
    """Open a zip for the length of a block. Raises BadImport, OSError."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise BadImport(f"{path} is not a zip file: {error}") from error
    with archive:
        yield SlackZip(archive)


def decode(content: bytes | msgspec.Raw, name: str, kind: Any = dict[str, Any]) -> Any:
    """Parse JSON. `name` is that of the file, for the error. Raises BadImport."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadImport(f"{name!a} in the zip is not JSON as Slack exports it: {error}") from error


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if _BAD_PATH.search(name):
        raise BadImport(f"the zip has a file with the path {name!a}, which no export of Slack has")
    if entry.flag_bits & _ENCRYPTED:
        raise BadImport(f"{name!a} in the zip is encrypted")
    if entry.compress_type not in _METHODS:
        raise BadImport(f"{name!a} in the zip is compressed in a way that Slack does not use")
    if entry.file_size > _SMALL_BYTES and entry.file_size > MAX_RATIO * entry.compress_size:
        raise BadImport(
            f"{name!a} in the zip is a zip bomb: it says that {entry.compress_size} bytes are {entry.file_size}"
        )
