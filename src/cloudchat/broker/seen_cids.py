"""How the store remembers which cids were accepted; functions/cids.lua reads and writes the same hashes."""

import hashlib
import re

from cloudchat.broker import keys

DAY_SECONDS = 86400
DIGEST_BYTES = 16
FIRST_CIDS = 128
"""So many are in the first hash of a day, before the other ones are used."""
_BUCKETS = 256


def cid_digest(user: str, cid: str) -> bytes:
    """Return the digest by which an accepted cid is stored. It has 128 bits, so that no two messages share one."""
    return hashlib.blake2b(f"{user} {cid}".encode(), digest_size=DIGEST_BYTES).digest()


def pack_position(seq: int, at: str) -> bytes:
    """Pack the seq and the time (RFC 3339 in UTC with milliseconds) of an event, as cids.lua does."""
    digits = re.sub(r"\D", "", at)[2:]
    return seq.to_bytes(6, "big") + int(digits).to_bytes(7, "big")


def unpack_position(packed: bytes) -> tuple[int, str]:
    """Return the seq and the time that were packed."""
    digits = f"{int.from_bytes(packed[6:], 'big'):015d}"
    at = re.sub(r"(..)(..)(..)(..)(..)(..)(...)", r"20\1-\2-\3T\4:\5:\6.\7Z", digits)
    return int.from_bytes(packed[:6], "big"), at


def first_hash(room: str, day: int) -> str:
    """Return the key of the hash with the first `FIRST_CIDS` cids of a day (days since 1970)."""
    return f"{keys.seen(room)}{day}:first"


def bucket_hash(room: str, day: int, digest: bytes) -> str:
    """Return the key of the hash for any further cid."""
    return f"{keys.seen(room)}{day}:{digest[0]}"


def bucket_hashes(room: str, day: int) -> list[str]:
    """Return the keys of all hashes for further cids. None of them exists before the first hash is full."""
    return [f"{keys.seen(room)}{day}:{number}" for number in range(_BUCKETS)]


def seen_hash_v1(room: str, day: int) -> str:
    """Return the key of a day's hash that the library cloudchat_v1 wrote: `{"<user> <cid>": "<seq> <at>"}`."""
    return f"{keys.seen(room)}{day}"
