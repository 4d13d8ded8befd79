"""A tar file written in one go: what comes out of a database or a store goes straight into it, whatever its size."""

import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from cloudchat.backup.manifest import CHECKSUM, MANIFEST, Manifest, Member, encode


class ArchiveWriter:
    """`file` must be empty and seekable: a member's header is written when its size is known."""

    def __init__(self, file: BinaryIO, now: float) -> None:
        self._file = file
        self._now = now
        self.members: list[Member] = []

    @contextmanager
    def member(self, name: str, modified_ns: int = 0) -> Iterator[BinaryIO]:
        """A member to be written in the block."""
        header_at = self._file.tell()
        self._file.write(bytes(tarfile.BLOCKSIZE))
        counting = _Counting(self._file)
        yield cast(BinaryIO, counting)
        self._file.write(bytes(-counting.size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = counting.size, 0o600, modified_ns / 1e9 or self._now
        self._file.seek(header_at)
        self._file.write(header.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(end)
        self.members.append(Member(name, counting.size, counting.digest.hexdigest(), modified_ns))

    def add(self, name: str, path: Path) -> None:
        """A member that is a file already."""
        with path.open("rb") as source, self.member(name, path.stat().st_mtime_ns) as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def finish(self, manifest: Manifest) -> None:
        """The last two members, and the end."""
        for name, text in zip((MANIFEST, CHECKSUM), encode(manifest), strict=True):
            with self.member(name) as target:
                target.write(text)
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))


class _Counting:
    """Passes on what is written, counts it, and adds it up to a checksum."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Nothing: the file is flushed at its end."""
