"""cloudchat: a chat backend that loses nothing it has acknowledged."""

__version__ = "0.1.0"
