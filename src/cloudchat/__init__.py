"""cloudchat: a chat backend that loses nothing it has acknowledged."""

from importlib.metadata import version

__version__ = version("cloudchat")
