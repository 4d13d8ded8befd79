"""Why the embedded store is not there."""


class StoreStartError(Exception):
    """The store did not start. The message is one line for the operator and names the mend."""
