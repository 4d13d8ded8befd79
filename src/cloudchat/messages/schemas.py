"""The bodies of the messages' routes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cloudchat.broker.appends import Appended
from cloudchat.protocol.commands import MAX_SAFE_INTEGER
from cloudchat.protocol.events import Limits


class MessageRequest(BaseModel):
    """A message to post."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        description=f"At most {Limits().text_chars} characters. At least one of them is visible, and none is a control "
        "character except tab and line breaks.",
        examples=["good morning"],
        json_schema_extra={"minLength": 1},
    )
    reply_to: int | None = Field(None, ge=1, le=MAX_SAFE_INTEGER, description="The seq of another message.")


class AckResponse(BaseModel):
    """The position of a message that is on disk."""

    room: str = Field(examples=["lobby"])
    seq: int = Field(examples=[17])
    epoch: str
    cid: str
    at: str = Field(examples=["2026-11-22T19:32:48.123Z"])
    duplicate: bool = Field(description="Whether an earlier request with the same key has stored it.")

    @classmethod
    def of(cls, room: str, cid: str, appended: Appended) -> "AckResponse":
        """Return the response for an appended message."""
        fields = {"seq": appended.seq, "epoch": appended.epoch, "at": appended.at, "duplicate": appended.duplicate}
        return cls(room=room, cid=cid, **fields)


class HistoryResponse(BaseModel):
    """Messages and notices in their current form, oldest first."""

    room: str = Field(examples=["lobby"])
    epoch: str
    as_of: int = Field(description="All events up to this seq are folded into the messages.", examples=[42])
    events: list[dict[str, Any]]
    more_before: bool
    more_after: bool
