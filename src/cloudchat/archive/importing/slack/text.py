"""Slack's text (mrkdwn) as plain text: mentions, links, entities and names of emoji.

https://docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are escaped; what is between `<` and `>` is a
mention, a link or a date. The marks for bold, italic and code stay as they are.
"""

import re
from collections.abc import Mapping

from msgspec import Struct, field

from cloudchat.archive.importing.slack.emoji import emoji_of
from cloudchat.archive.importing.source import SourceUser

MAX_MENTIONS = 50
_PART = re.compile(
    r"(?P<code>```.*?```|`[^`\n]+`)|<(?P<special>[^<>\n]*)>|:(?P<emoji>[\w+'-]{1,64}):(?::skin-tone-(?P<tone>[2-6]):)?",
    re.DOTALL,
)
_SPECIAL_IN_CODE = re.compile(r"<([^<>\n]*)>")
_EVERYONE = ("here", "channel", "everyone")


class Names(Struct):
    """The users and the names of channels of an export, by their ids."""

    users: Mapping[str, SourceUser]
    channels: Mapping[str, str]


class ConvertedText(Struct):
    """A plain text, whom it mentions, and the ids of users that the export does not have."""

    text: str = ""
    mentions: dict[str, SourceUser] = field(default_factory=dict)
    mentions_room: bool = False
    unknown: list[str] = field(default_factory=list)


def convert_text(text: str, names: Names) -> ConvertedText:
    """Return a text of Slack as plain text."""
    converted = ConvertedText()

    def replace(match: re.Match[str]) -> str:
        if code := match["code"]:
            return _unescape(_SPECIAL_IN_CODE.sub(lambda special: _target(special[1]), code))
        if (special := match["special"]) is not None:
            return _special(special, names, converted)
        name = match["emoji"] + (f"::skin-tone-{match['tone']}" if match["tone"] else "")
        return emoji_of(name) or match[0]

    parts, end = [], 0
    for match in _PART.finditer(text):
        parts += [_unescape(text[end : match.start()]), replace(match)]
        end = match.end()
    converted.text = "".join([*parts, _unescape(text[end:])])
    return converted


def _special(special: str, names: Names, converted: ConvertedText) -> str:
    """Return the text of what was between angle brackets."""
    target, _, label = special.partition("|")
    label = _unescape(label)
    kind, id = target[:1], target[1:]
    if kind == "@":
        return _mention(id, label, names, converted)
    if kind == "#":
        return f"#{label or names.channels.get(id, id)}"
    if kind == "!":
        return _command(id, label, converted)
    url = _unescape(target).removeprefix("mailto:").removeprefix("tel:")
    return url if label in ("", url) or url.endswith(f"://{label}") else f"{label} ({url})"


def _mention(id: str, label: str, names: Names, converted: ConvertedText) -> str:
    user = names.users.get(id)
    if user is None:
        converted.unknown.append(id)
        return f"@{label.removeprefix('@') or id}"
    if len(converted.mentions) < MAX_MENTIONS:
        converted.mentions[user.id] = user
    return f"@{user.name}"


def _command(id: str, label: str, converted: ConvertedText) -> str:
    """`<!here>`, `<!subteam^S1|@team>`, `<!date^1392734382^{date}|February 18th>`."""
    name = id.partition("^")[0]
    if name in _EVERYONE:
        converted.mentions_room = True
        return "@room"
    if name == "subteam":
        return f"@{label.removeprefix('@') or id.partition('^')[2]}"
    return label or name


def _target(special: str) -> str:
    """In code, only the brackets around a link are removed."""
    target, _, label = special.partition("|")
    return label or target.removeprefix("mailto:")


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
