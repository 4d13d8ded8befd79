"""Slack's names of emoji: `:tada:` is 🎉, `:wave::skin-tone-3:` is 👋🏼.

`emoji_names.txt` is made from emoji-datasource 16.0.0 (npm), the data that Slack uses:
`python -m cloudchat.archive.importing.slack.emoji emoji.json > emoji_names.txt`.
"""

import re
import sys
from functools import cache
from pathlib import Path

import msgspec

from cloudchat.protocol.emoji import is_emoji

_NAMES_FILE = Path(__file__).with_name("emoji_names.txt")
_TONE = re.compile(r"^skin-tone-([2-6])$")
_VARIATION_SELECTOR = "\ufe0f"


def emoji_of(name: str) -> str | None:
    """Return the emoji with a name, which may end in `::skin-tone-2` to `6`; None if Unicode does not have it."""
    base, _, variant = name.partition("::")
    emoji = _emoji_by_name().get(base)
    tone = _TONE.match(variant)
    if emoji is not None and tone is not None:
        # The tone belongs to the first person and replaces its variation selector (UTS #51 §2.4).
        emoji = emoji[0] + chr(0x1F3FB + int(tone[1]) - 2) + emoji[1:].removeprefix(_VARIATION_SELECTOR)
    return emoji if emoji is not None and is_emoji(emoji) else None


@cache
def _emoji_by_name() -> dict[str, str]:
    emoji = {}
    for line in _NAMES_FILE.read_text(encoding="utf-8").splitlines():
        character, *names = line.split(" ")
        emoji.update(dict.fromkeys(names, character))
    return emoji


def render_names(data: bytes) -> str:
    """Return the content of `emoji_names.txt`: one line for each emoji, with its names."""
    lines = []
    for entry in sorted(msgspec.json.decode(data), key=lambda entry: entry["sort_order"]):
        character = "".join(chr(int(code, 16)) for code in entry["unified"].split("-"))
        lines.append(" ".join([character, *entry["short_names"]]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render_names(Path(sys.argv[1]).read_bytes()))
