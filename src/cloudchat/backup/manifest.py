"""What a backup says of itself: its last but one member, with the checksums of all before it."""

import hashlib

import msgspec

FORMAT = 1

MANIFEST = "manifest.json"
CHECKSUM = "manifest.json.sha256"
ROOMS = "rooms.jsonl.gz"
DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
KEYS = "keys/"


class BadBackup(Exception):
    """The file can't be restored. The message is one line for the operator."""


class Member(msgspec.Struct, frozen=True):
    """One file in the backup. `modified_ns`: of keys, whose order by time says which of them signs."""

    name: str
    size: int
    sha256: str
    modified_ns: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """`cloudchat`: the version that wrote it; `schema`: the database's revision; `created_at`: RFC 3339."""

    format: int
    cloudchat: str
    created_at: str
    database: str
    schema: str
    rooms: int
    events: int
    members: list[Member]


def encode(manifest: Manifest) -> tuple[bytes, bytes]:
    """The manifest, and the line that `sha256sum -c` checks it by."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    return text, f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n".encode()


def decode(text: bytes, checksum: bytes) -> Manifest:
    """Raises BadBackup."""
    if checksum != f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n".encode():
        raise BadBackup("its manifest is damaged")
    try:
        format_ = msgspec.json.decode(text)["format"]
        if format_ != FORMAT:
            raise BadBackup(f"it has format {format_}, this version knows {FORMAT}: use the cloudchat that wrote it")
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadBackup(f"its manifest can't be read: {error}") from error
