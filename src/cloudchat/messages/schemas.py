"""The bodies of the messages' routes."""

from typing import Annotated, Any

from pydantic import Field

from cloudchat.broker.appends import Appended
from cloudchat.http.models import AS_INTEGER, RequestModel, ResponseModel
from cloudchat.protocol.commands import MAX_SAFE_INTEGER
from cloudchat.protocol.events import Limits

_EPOCH = "R-6KluC42O1ZIvuN.0"
_CID = "0f8fad5b-d9cb-469f-a165-70867728950e"
_MESSAGE = {
    "type": "message",
    "room": "lobby",
    "epoch": _EPOCH,
    "seq": 17,
    "cid": _CID,
    "user": {"id": "q_axJiJBBhCsk1eqY2Fzxg", "name": "bob"},
    "text": "good morning",
    "at": "2026-11-22T19:32:48.123Z",
    "reactions": [{"emoji": "👍", "count": 1, "users": ["q_axJiJBBhCsk1eqY2Fzxg"]}],
}


class MessageRequest(RequestModel):
    """A message to post."""

    text: str = Field(
        description=f"At most {Limits().text_chars} characters. At least one of them is visible, and none is a control "
        "character except tab and line breaks.",
        examples=["good morning"],
        json_schema_extra={"minLength": 1},
    )
    reply_to: Annotated[int, Field(ge=1, le=MAX_SAFE_INTEGER), AS_INTEGER] | None = Field(
        None, description="The seq of another message.", examples=[12]
    )


class AckResponse(ResponseModel):
    """The position of a message that is on disk."""

    room: str = Field(examples=["lobby"])
    seq: int = Field(examples=[17])
    epoch: str = Field(examples=[_EPOCH])
    cid: str = Field(examples=[_CID])
    at: str = Field(examples=["2026-11-22T19:32:48.123Z"])
    duplicate: bool = Field(description="Whether an earlier request with the same key has stored it.", examples=[False])

    @classmethod
    def of_append(cls, room: str, cid: str, appended: Appended) -> "AckResponse":
        """Return the response for an appended message."""
        fields = {"seq": appended.seq, "epoch": appended.epoch, "at": appended.at, "duplicate": appended.duplicate}
        return cls(room=room, cid=cid, **fields)


class HistoryResponse(ResponseModel):
    """Messages and notices in their current form, oldest first."""

    room: str = Field(examples=["lobby"])
    epoch: str = Field(examples=[_EPOCH])
    as_of: int = Field(description="All events up to this seq are folded into the messages.", examples=[42])
    events: list[dict[str, Any]] = Field(examples=[[_MESSAGE]])
    more_before: bool = Field(description="Whether there are others before the first one.", examples=[True])
    more_after: bool = Field(description="Whether there are others after the last one.", examples=[False])
