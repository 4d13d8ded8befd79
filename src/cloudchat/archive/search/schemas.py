"""The JSON bodies of `/api/search`."""

from typing import Self

from pydantic import BaseModel, Field

from cloudchat.archive.search.service import Hit
from cloudchat.http.models import EntryId


class AuthorResponse(BaseModel):
    """The author of a message."""

    id: EntryId
    name: str = Field(examples=["ann"])


class HitResponse(BaseModel):
    """A message that matches."""

    room: str = Field(examples=["lobby"])
    seq: int = Field(examples=[17])
    epoch: str = Field(examples=["R-6KluC42O1ZIvuN.0"])
    user: AuthorResponse
    text: str = Field(examples=["The café opens at nine."])
    at: str = Field(examples=["2026-11-22T19:32:48.123Z"])
    highlights: list[tuple[int, int]] = Field(
        description="The [start, end) of what matches, in code points of `text`, not in UTF-16 units.",
        examples=[[[4, 8]]],
    )

    @classmethod
    def from_hit(cls, hit: Hit) -> Self:
        """Return the body for a hit."""
        message = hit.message
        return cls(
            room=message.room_id,
            seq=message.seq,
            epoch=message.epoch,
            user=AuthorResponse(id=message.user_id, name=message.user_name),
            text=message.text,
            at=hit.at,
            highlights=list(hit.highlights),
        )


class SearchResponse(BaseModel):
    """A page of hits, the newest first."""

    hits: list[HitResponse]
    next: str | None = Field(
        description="`cursor` of the next page; null on the last page.", examples=["1883242000000000000"]
    )
