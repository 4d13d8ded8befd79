"""The manifest of a backup: its last member but one, with the checksums of all members before it."""

import hashlib

import msgspec

FORMAT = 1

MANIFEST = "manifest.json"
CHECKSUM = "manifest.json.sha256"
ROOMS = "rooms.jsonl.gz"
DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
KEYS = "keys/"


class BadBackup(Exception):
    """The backup cannot be made or restored. The message is one line for the operator."""


class Member(msgspec.Struct, frozen=True):
    """One file in the backup.

    `modified_ns` is set only for keys: the newest key signs, so a restore must set the time of each key again.
    """

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
    """Return the manifest as JSON, and the line that checks it with `sha256sum -c`."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    return text, _checksum_line(text)


def decode(text: bytes, checksum: bytes) -> Manifest:
    """Parse a manifest that `encode` wrote. Raises BadBackup."""
    if checksum != _checksum_line(text):
        raise BadBackup("the manifest is damaged")
    try:
        format_ = msgspec.json.decode(text)["format"]
        if format_ != FORMAT:
            raise BadBackup(
                f"the backup has format {format_}, this version reads {FORMAT}: use the cloudchat that wrote it"
            )
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadBackup(f"the manifest cannot be read: {error}") from error


def _checksum_line(text: bytes) -> bytes:
    return f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n".encode()
