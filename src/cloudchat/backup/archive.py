"""The backup file: a tar file that any `tar` can read. Its last members prove that it is complete.

Its members are the rooms, the database, the keys, the manifest, and the manifest's checksum, in this order.
`ArchiveWriter` writes it in one pass. `Archive` reads it once from beginning to end before it returns any content.
"""

import hashlib
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Self, cast

from cloudchat.backup.manifest import (
    CHECKSUM,
    DATABASES,
    KEYS,
    MANIFEST,
    ROOMS,
    BadBackup,
    Manifest,
    Member,
    decode,
    encode,
)

_CHUNK_BYTES = 1 << 20
_MAX_MANIFEST_BYTES = 4 << 20
_KEY_NAME = re.compile(r"keys/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class ArchiveWriter:
    """Write an archive in one pass: a member of any size goes straight from its source into the file.

    `file` must be empty and seekable, because the header of a member is written when its size is known.
    """

    def __init__(self, file: BinaryIO, now: float) -> None:
        self._file = file
        self._now = now
        self.members: list[Member] = []

    @contextmanager
    def member(self, name: str, modified_ns: int = 0) -> Iterator[BinaryIO]:
        """Add a member; the block writes its content to the yielded file."""
        header_offset = self._file.tell()
        self._file.write(bytes(tarfile.BLOCKSIZE))
        content = _HashingWriter(self._file)
        yield cast(BinaryIO, content)
        self._file.write(bytes(-content.size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = content.size, 0o600, modified_ns / 1e9 or self._now
        self._file.seek(header_offset)
        self._file.write(header.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(end)
        self.members.append(Member(name, content.size, content.digest.hexdigest(), modified_ns))

    def add(self, name: str, path: Path) -> None:
        """Add a member with the content of an existing file."""
        with path.open("rb") as source, self.member(name, path.stat().st_mtime_ns) as target:
            shutil.copyfileobj(source, target, _CHUNK_BYTES)

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest and its checksum, and end the tar file."""
        for name, text in zip((MANIFEST, CHECKSUM), encode(manifest), strict=True):
            with self.member(name) as target:
                target.write(text)
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))


class Archive:
    """A verified backup. Use as a context manager.

    The constructor reads the whole file and checks every checksum. Raises BadBackup.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BadBackup(f"{path} cannot be read: {error.strerror}") from error
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 — closed with the file
            self.manifest = self._verify()
        except (tarfile.TarError, OSError, EOFError, BadBackup) as error:
            self._file.close()
            raise BadBackup(f"{path} is not a complete backup: {error}") from error

    @property
    def keys(self) -> list[Member]:
        """The files of the key directory, in the order in which they were created."""
        return [member for member in self.manifest.members if member.name.startswith(KEYS)]

    def open(self, name: str) -> IO[bytes]:
        """Return the content of a member. Raises BadBackup."""
        try:
            content = self._tar.extractfile(name)
        except (tarfile.TarError, KeyError) as error:
            raise BadBackup(f"{name} is missing") from error
        if content is None:
            raise BadBackup(f"{name} is not a file")
        return content

    def _verify(self) -> Manifest:
        found = {}
        for entry in self._tar:
            if not entry.isreg() or entry.name in found:
                raise BadBackup(f"{entry.name!a} does not belong in a backup")
            found[entry.name] = entry.size, self._sha256(entry)
        if MANIFEST not in found or CHECKSUM not in found:
            raise BadBackup("its end is missing")
        if found[MANIFEST][0] > _MAX_MANIFEST_BYTES:
            raise BadBackup("its manifest is too large")
        manifest = decode(self.open(MANIFEST).read(), self.open(CHECKSUM).read(256))
        for name in (MANIFEST, CHECKSUM):
            del found[name]
        listed = {member.name: (member.size, member.sha256) for member in manifest.members}
        for name in found.keys() | listed.keys():
            if found.get(name) != listed.get(name):
                raise BadBackup(f"{name!a} is damaged, missing or added")
        _validate_names(manifest)
        return manifest

    def _sha256(self, entry: tarfile.TarInfo) -> str:
        digest = hashlib.sha256()
        content = self._tar.extractfile(entry)
        while content is not None and (chunk := content.read(_CHUNK_BYTES)):
            digest.update(chunk)
        return digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()
        self._file.close()


class _HashingWriter:
    """Pass data on to a file, and compute its size and SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Do nothing: `atomic_file` flushes the file at its end."""


def _validate_names(manifest: Manifest) -> None:
    """Check that the needed members are there, and that no name leads out of the state directory. Raises BadBackup."""
    if manifest.database not in DATABASES:
        raise BadBackup(f"its database is of an unknown kind, {manifest.database!a}")
    names = [member.name for member in manifest.members]
    for needed in (ROOMS, DATABASES[manifest.database]):
        if needed not in names:
            raise BadBackup(f"{needed} is missing")
        names.remove(needed)
    for name in names:
        if not _KEY_NAME.fullmatch(name):
            raise BadBackup(f"{name!a} does not belong in a backup")
