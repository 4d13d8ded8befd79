"""The JSON of the routes of the archive."""

from pydantic import BaseModel, Field

from cloudchat.archive.folding.batch_fold import EarlierText
from cloudchat.core.timestamps import rfc3339_of_ms


class EarlierTextResponse(BaseModel):
    """A text that a later edit has replaced. It was the message's text since `at`."""

    text: str = Field(examples=["good mornign"])
    at: str = Field(examples=["2026-11-22T19:32:48.123Z"])

    @classmethod
    def of(cls, earlier: EarlierText) -> "EarlierTextResponse":
        """Return the response for a text."""
        return cls(text=earlier.text, at=rfc3339_of_ms(round(earlier.at * 1000)))


class EarlierTextsResponse(BaseModel):
    """The earlier texts of a message, the oldest first."""

    edits: list[EarlierTextResponse]
