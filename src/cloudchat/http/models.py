"""The base classes and types of JSON request and response bodies."""

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cloudchat.core.timestamps import rfc3339


class RequestModel(BaseModel):
    """A request body. Rejects unknown fields (a misspelt one would be ignored), and converts no types."""

    model_config = ConfigDict(strict=True, extra="forbid")


class ResponseModel(BaseModel):
    """A response body, built from the attributes of a service's result."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, result: object) -> Self:
        """Return the body for a service's result. A missing attribute is an error, an additional one is left out."""
        return cls.model_validate(result)


def _integer(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _timestamp(value: object) -> object:
    return rfc3339(value) if isinstance(value, float | int) else value


AS_INTEGER = BeforeValidator(_integer)
"""JSON has one kind of number: for JSON Schema, and for some clients' encoders, 60.0 is the integer 60.

A bounded integer that may be null needs `Annotated[int, Field(ge=…, le=…), AS_INTEGER]`, in this order: pydantic leaves
bounds after the validator out of the schema.
"""
WholeNumber = Annotated[int, AS_INTEGER]
Instant = Annotated[
    str,
    BeforeValidator(_timestamp),
    Field(examples=["2026-11-22T19:32:48.123Z"], json_schema_extra={"format": "date-time"}),
]
"""RFC 3339. Services use seconds since 1970."""
EntryId = Annotated[str, Field(examples=["q_axJiJBBhCsk1eqY2Fzxg"])]
