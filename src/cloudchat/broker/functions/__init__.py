"""The Redis Functions library that reads and writes the room logs, in Lua.

`FUNCTIONS` is its source: the files, each after those whose local functions it uses. Start with `library.lua`, which
lists the keys of a room, then `append.lua`. `RedisFunctions` and the append pipeline load it into the store.
"""

from importlib.resources import files

_FILES = (
    "library",
    "cids",
    "states",
    "events",
    "erasing",
    "numbering",
    "pages",
    "history",
    "unread",
    "append",
    "change",
    "archiving",
    "archive_queue",
)
FUNCTIONS = "\n".join(files(__name__).joinpath(f"{name}.lua").read_text() for name in _FILES)
