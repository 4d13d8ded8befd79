"""An archive that differs in any way from what the writer wrote is rejected."""

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cloudchat.backup.archive import Archive, ArchiveWriter
from cloudchat.backup.manifest import CHECKSUM, DATABASES, MANIFEST, ROOMS, BadBackup, Manifest, encode

CONTENTS = {ROOMS: b"r" * 700, DATABASES["sqlite"]: b"d" * 3000, "keys/a.pem": b"k" * 512, "keys/vault.key": b""}


@dataclass
class WrittenArchive:
    path: Path
    manifest: Manifest


def write(path: Path, contents: dict[str, bytes] = CONTENTS, /, **changes: Any) -> WrittenArchive:
    with path.open("wb") as file:
        archive = ArchiveWriter(file, now=1_800_000_000.0)
        for name, content in contents.items():
            with archive.member(name, modified_ns=1_700_000_000_123_456_789) as member:
                for start in range(0, len(content), 100):
                    member.write(content[start : start + 100])
        manifest = Manifest(1, "0.1", "2026-11-22T12:00:00.000Z", "sqlite", "0002", 1, 2, list(archive.members))
        manifest = msgspec.structs.replace(manifest, **changes)
        archive.finish(manifest)
    return WrittenArchive(path, manifest)


@pytest.fixture
def written(tmp_path: Path) -> WrittenArchive:
    return write(tmp_path / "backup.tar")


def contents_of(path: Path) -> dict[str, bytes]:
    with Archive(path) as archive:
        return {member.name: archive.open(member.name).read() for member in archive.manifest.members}


def test_archive_is_readable_by_us_and_by_tar(written: WrittenArchive) -> None:
    assert contents_of(written.path) == CONTENTS
    with Archive(written.path) as archive:
        assert archive.manifest == written.manifest
        assert [key.name for key in archive.keys] == ["keys/a.pem", "keys/vault.key"]
        assert archive.keys[0].modified_ns == 1_700_000_000_123_456_789
    with tarfile.open(written.path) as tar:
        assert tar.getnames() == [*CONTENTS, MANIFEST, CHECKSUM]
        assert {entry.mode for entry in tar} == {0o600}


def test_flipped_bit_is_detected_or_changes_no_content(written: WrittenArchive, tmp_path: Path) -> None:
    whole = written.path.read_bytes()
    damaged = tmp_path / "damaged.tar"
    rejected = 0
    for at in range(0, len(whole), 37):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            assert contents_of(damaged) == CONTENTS, at
        except BadBackup:
            rejected += 1
    assert rejected > sum(map(len, CONTENTS.values())) / 37


def test_truncated_archive_is_rejected(written: WrittenArchive, tmp_path: Path) -> None:
    whole = written.path.read_bytes()
    part = tmp_path / "part.tar"
    for length in range(0, len(whole) - 1024, 211):
        part.write_bytes(whole[:length])
        with pytest.raises(BadBackup):
            Archive(part)


def extra_entry(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE) -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.type, entry.linkname = (len(content) if kind == tarfile.REGTYPE else 0), kind, "/etc/passwd"
        tar.addfile(entry, BytesIO(content))

    return add


@pytest.mark.parametrize(
    "add",
    [
        extra_entry("keys/more.pem"),
        extra_entry("../escaped"),
        extra_entry(ROOMS),
        extra_entry("keys/link", kind=tarfile.SYMTYPE),
    ],
    ids=["key", "path", "duplicate", "link"],
)
def test_added_entry_is_rejected(written: WrittenArchive, add: Callable[[tarfile.TarFile], None]) -> None:
    with tarfile.open(written.path, "a") as tar:
        add(tar)
    with pytest.raises(BadBackup):
        Archive(written.path)


TERABYTE = 1 << 40


def sparse_of_old_gnu() -> bytes:
    """A header of type S: no data, and a real size of 1 TiB (tar's manual, "Storing Sparse Files")."""
    header = bytearray(tarfile.TarInfo(ROOMS).tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:482] = bytes(96)
    header[483:495] = b"\x80" + TERABYTE.to_bytes(11, "big")
    return with_checksum(header)


def with_checksum(header: bytearray) -> bytes:
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:512]))
    return bytes(header)


def pax(records: dict[str, str], size: int = 0) -> bytes:
    entry = tarfile.TarInfo(ROOMS)
    entry.size, entry.pax_headers = size, records
    return entry.tobuf(tarfile.PAX_FORMAT)


def of_size(size: int) -> bytes:
    entry = tarfile.TarInfo(ROOMS)
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT)


CLAIMS: dict[str, Callable[[], bytes]] = {
    "GNU sparse": sparse_of_old_gnu,
    "PAX sparse 0.0": lambda: pax({"GNU.sparse.size": str(TERABYTE), "GNU.sparse.numblocks": "0"}),
    "PAX sparse 0.1": lambda: pax({"GNU.sparse.map": f"{TERABYTE},0", "GNU.sparse.size": str(TERABYTE)}),
    "PAX sparse 1.0": lambda: (
        pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(TERABYTE)}, size=512)
        + b"0\n".ljust(512, b"\0")
    ),
    "PAX size": lambda: pax({"size": str(TERABYTE)}),
    "GNU size": lambda: of_size(TERABYTE),
    "negative size": lambda: with_checksum(bytearray(of_size(0)[:124] + b"\xff" * 11 + b"\x00" + of_size(0)[136:])),
    "10,000 members": lambda: b"".join(tarfile.TarInfo(f"keys/{number}").tobuf() for number in range(10_000)),
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
@pytest.mark.parametrize("complete", [True, False])
def test_member_that_claims_more_than_there_is_is_rejected_at_once(
    written: WrittenArchive, claim: Callable[[], bytes], complete: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 KB with a sparse member of 1 TiB made `verify-backup` read zeros for hours."""
    reads = 0

    def count(self: Archive, entry: tarfile.TarInfo) -> str:
        nonlocal reads
        reads += 1
        raise AssertionError("content is read although a header is wrong")

    monkeypatch.setattr(Archive, "_sha256", count)
    written.path.write_bytes(claim() + (written.path.read_bytes() if complete else b""))
    with pytest.raises(BadBackup):
        Archive(written.path)
    assert reads == 0


def test_no_content_is_read_if_a_size_differs_from_the_manifest(
    written: WrittenArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [msgspec.structs.replace(written.manifest.members[0], size=699), *written.manifest.members[1:]]
    other = write(tmp_path / "other.tar", members=members)
    monkeypatch.setattr(Archive, "_sha256", lambda *_: pytest.fail("content is read"))
    with pytest.raises(BadBackup, match="damaged"):
        Archive(other.path)


@pytest.mark.parametrize("name", ["keys/../../etc/cron.d/x", "keys/a/b", "keys/.ssh", "/etc/passwd", "keys/", "x"])
def test_member_name_outside_of_the_layout_is_rejected_even_with_a_valid_manifest(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadBackup):
        Archive(write(tmp_path / "evil.tar", {**CONTENTS, name: b"x"}).path)


@pytest.mark.parametrize("changes", [{"format": 2}, {"database": "oracle"}, {"database": "postgresql"}])
def test_unknown_format_or_database_is_rejected(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BadBackup):
        Archive(write(tmp_path / "other.tar", **changes).path)


def test_manifest_that_does_not_match_its_checksum_is_rejected(written: WrittenArchive) -> None:
    other_manifest, _ = encode(msgspec.structs.replace(written.manifest, created_at="2026-11-22T13:00:00.000Z"))
    _, old_line = encode(written.manifest)
    whole = written.path.read_bytes()
    manifest, _ = encode(written.manifest)
    assert len(manifest) == len(other_manifest)
    written.path.write_bytes(whole.replace(manifest, other_manifest))
    assert old_line in written.path.read_bytes()
    with pytest.raises(BadBackup):
        Archive(written.path)


def test_file_that_is_not_an_archive_is_rejected(tmp_path: Path) -> None:
    for content in (b"", b"\0" * 10240, b"hello", b"\x1f\x8b" + b"x" * 600):
        path = tmp_path / "other"
        path.write_bytes(content)
        with pytest.raises(BadBackup):
            Archive(path)
    with pytest.raises(BadBackup):
        Archive(tmp_path / "nothing")
