"""What all JSON request bodies share."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class RequestModel(BaseModel):
    """Unknown fields are refused (a misspelt one would be ignored), and so are other types than these: no guessing."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]
"""JSON has one kind of number: to JSON Schema, as to some clients' encoders, 60.0 is the integer 60."""
