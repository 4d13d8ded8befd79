"""cloudchat: a chat backend that loses nothing it has acknowledged."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Read `__version__` when it is used: `importlib.metadata` would double the time of `cloudchat --help`."""
        if name != "__version__":
            raise AttributeError(f"module 'cloudchat' has no attribute {name!r}")
        from importlib.metadata import version

        return version("cloudchat")
