"""What JSON answers share: they are made of the services' answers by the names of the fields."""

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cloudchat.core.timestamps import rfc3339


class ResponseModel(BaseModel):
    """A field that the service's answer lacks is an error here, and one that only it has is not told."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, found: object) -> Self:
        """From the service's answer."""
        return cls.model_validate(found)


def _written(instant: object) -> object:
    return rfc3339(instant) if isinstance(instant, float | int) else instant


Instant = Annotated[
    str,
    BeforeValidator(_written),
    Field(examples=["2026-11-22T19:32:48.123Z"], json_schema_extra={"format": "date-time"}),
]
"""Services count in seconds since 1970; RFC 3339 is what clients get."""
EntryId = Annotated[str, Field(examples=["q_axJiJBBhCsk1eqY2Fzxg"])]
