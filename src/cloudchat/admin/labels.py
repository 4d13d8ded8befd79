"""The labels of API tokens and invites: what, or whom, each one is for."""

from cloudchat.auth.errors import InvalidField

MAX_LABEL_CHARACTERS = 100  # of the columns api_tokens.label and invites.label


def validate_label(label: str) -> None:
    """Check that a label is one short line. Raises InvalidField."""
    if len(label) > MAX_LABEL_CHARACTERS or not label.isprintable():
        raise InvalidField("label", f"a label must have at most {MAX_LABEL_CHARACTERS} printable characters")
