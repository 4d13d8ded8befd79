"""Why a database can't be copied."""


class CopyFailed(Exception):
    """The copy could not be made, or not be taken in again. The message is one line for the operator."""
