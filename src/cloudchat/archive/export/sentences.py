"""Notices as sentences."""

from typing import Any

_SENTENCES = {
    "created": "{user} created the room {value}",
    "renamed": "{user} renamed the room to {value}",
    "topic": "{user} set the topic to {value}",
    "joined": "{user} joined",
    "left": "{user} left",
    "added": "{user} added {target}",
    "removed": "{user} removed {target}",
    "role": "{user} made {target} {value}",
    "archived": "{user} archived the room",
    "restored": "{user} restored the room",
}
_WITHOUT_VALUE = {"created": "{user} created the room", "topic": "{user} removed the topic"}


def sentence_of(notice: dict[str, Any]) -> str:
    """Return what a notice says. A kind that this version does not know is named."""
    kind, value = notice["kind"], notice.get("value") or ""
    template = _SENTENCES.get(kind, f"{{user}}: {kind.replace('{', '').replace('}', '')}")
    if not value:
        template = _WITHOUT_VALUE.get(kind, template)
    target = notice.get("target")
    return template.format(
        user=notice["user"]["name"], target=target["name"] if isinstance(target, dict) else "", value=value
    )
