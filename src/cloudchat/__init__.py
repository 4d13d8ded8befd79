"""cloudchat: a chat backend that loses nothing it has acknowledged."""
