"""A backup that has been read once from its beginning to its end, so that it is known to be whole."""

import hashlib
import re
import tarfile
from pathlib import Path
from types import TracebackType
from typing import IO, Self

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
)

_MAX_MANIFEST_BYTES = 4 << 20
_KEY_NAME = re.compile(r"keys/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class Archive:
    """Opening it verifies every checksum. Raises BadBackup. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BadBackup(f"{path} can't be read: {error.strerror}") from error
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")  # noqa: SIM115 — closed with the file
            self.manifest = self._verify()
        except (tarfile.TarError, OSError, EOFError) as error:
            self._file.close()
            raise BadBackup(f"{path} is no whole backup: {error}") from error
        except BadBackup as error:
            self._file.close()
            raise BadBackup(f"{path} is no whole backup: {error}") from error

    @property
    def keys(self) -> list[Member]:
        """The files of the key folder, in the order in which they were made."""
        return [member for member in self.manifest.members if member.name.startswith(KEYS)]

    def open(self, name: str) -> IO[bytes]:
        """A member's content. Raises BadBackup."""
        try:
            content = self._tar.extractfile(name)
        except (tarfile.TarError, KeyError) as error:
            raise BadBackup(f"it has no {name}") from error
        if content is None:
            raise BadBackup(f"{name} is no file")
        return content

    def _verify(self) -> Manifest:
        found = {}
        for entry in self._tar:
            if not entry.isreg() or entry.name in found:
                raise BadBackup(f"{entry.name!a} does not belong into a backup")
            found[entry.name] = entry.size, self._digest(entry)
        if MANIFEST not in found or CHECKSUM not in found:
            raise BadBackup("its end is missing")
        if found[MANIFEST][0] > _MAX_MANIFEST_BYTES:
            raise BadBackup("its manifest is too large")
        manifest = decode(self.open(MANIFEST).read(), self.open(CHECKSUM).read(256))
        for name in (MANIFEST, CHECKSUM):
            del found[name]
        named = {member.name: (member.size, member.sha256) for member in manifest.members}
        for name in found.keys() | named.keys():
            if found.get(name) != named.get(name):
                raise BadBackup(f"{name!a} is damaged, missing or added")
        _has_its_parts(manifest)
        return manifest

    def _digest(self, entry: tarfile.TarInfo) -> str:
        digest = hashlib.sha256()
        content = self._tar.extractfile(entry)
        while content is not None and (chunk := content.read(1 << 20)):
            digest.update(chunk)
        return digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()
        self._file.close()


def _has_its_parts(manifest: Manifest) -> None:
    """Nothing in it names a place of its own choice. Raises BadBackup."""
    if manifest.database not in DATABASES:
        raise BadBackup(f"it has a database of an unknown kind, {manifest.database!a}")
    names = [member.name for member in manifest.members]
    for needed in (ROOMS, DATABASES[manifest.database]):
        if needed not in names:
            raise BadBackup(f"it has no {needed}")
        names.remove(needed)
    for name in names:
        if not _KEY_NAME.fullmatch(name):
            raise BadBackup(f"{name!a} does not belong into a backup")
