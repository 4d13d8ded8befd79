"""The text of messages whose `text` is empty: from their blocks and attachments, in Slack's own notation (mrkdwn).

https://docs.slack.dev/reference/block-kit/blocks. The result is converted like any text (`text.py`).
"""

from collections.abc import Iterator
from typing import Any

_MAX_DEPTH = 8
_MAX_NODES = 5000


def text_of_blocks(blocks: Any) -> str:
    """Return the text of blocks; "" if they have none."""
    budget = _Budget()
    return "\n".join(text for block in _list(blocks) if (text := _block(block, budget))).strip()


def text_of_attachments(attachments: Any) -> str:
    """Return the text of attachments of apps, and of messages that were shared. Previews of links are left out."""
    texts = []
    for attachment in _list(attachments):
        if not isinstance(attachment, dict) or (attachment.get("from_url") and not attachment.get("is_share")):
            continue
        title, link = _string(attachment.get("title")), _string(attachment.get("title_link"))
        lines = [
            _string(attachment.get("pretext")),
            _string(attachment.get("author_name")),
            f"<{link}|{title}>" if title and link else title,
            _string(attachment.get("text")) or text_of_blocks(attachment.get("blocks")),
        ]
        for field in _list(attachment.get("fields")):
            if isinstance(field, dict):
                lines.append(": ".join(filter(None, [_string(field.get("title")), _string(field.get("value"))])))
        text = "\n".join(filter(None, lines)) or _string(attachment.get("fallback"))
        if text:
            texts.append(text)
    return "\n".join(texts)


class _Budget:
    """Bounds the work for blocks that are nested or repeated without end."""

    def __init__(self) -> None:
        self._left = _MAX_NODES

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _block(block: Any, budget: _Budget) -> str:
    if not isinstance(block, dict) or not budget.take():
        return ""
    match block.get("type"):
        case "rich_text":
            return "\n".join(_elements(block, budget, 0))
        case "section" | "header":
            texts = [block.get("text"), *_list(block.get("fields"))]
            return "\n".join(filter(None, map(_text_object, texts)))
        case "context":
            return " ".join(filter(None, map(_text_object, _list(block.get("elements")))))
        case "image":
            return _string(block.get("alt_text")) or _string(block.get("image_url"))
        case "markdown":
            return _string(block.get("text"))
        case "divider":
            return "---"
    return ""


def _elements(parent: dict[str, Any], budget: _Budget, depth: int) -> Iterator[str]:
    """Yield the texts of the parts of a rich text: paragraphs, lists, quotes, code."""
    for element in _list(parent.get("elements")):
        if not isinstance(element, dict) or depth > _MAX_DEPTH or not budget.take():
            continue
        match element.get("type"):
            case "rich_text_section":
                yield _inline(element, budget)
            case "rich_text_list":
                indent = "  " * min(element.get("indent") or 0, _MAX_DEPTH) if _is_number(element.get("indent")) else ""
                ordered = element.get("style") == "ordered"
                for number, item in enumerate(_elements(element, budget, depth + 1), 1):
                    yield f"{indent}{f'{number}.' if ordered else '•'} {item}"
            case "rich_text_quote":
                yield "\n".join(f"&gt; {line}" for line in _inline(element, budget).split("\n"))
            case "rich_text_preformatted":
                yield f"```\n{_inline(element, budget)}\n```"


def _inline(section: dict[str, Any], budget: _Budget) -> str:
    return "".join(_inline_element(element) for element in _list(section.get("elements")) if budget.take())


def _inline_element(element: Any) -> str:
    if not isinstance(element, dict):
        return ""
    match element.get("type"):
        case "text":
            return _escape(_string(element.get("text")))
        case "link":
            return _link(_string(element.get("url")), _string(element.get("text")))
        case "emoji":
            tone = element.get("skin_tone")
            suffix = f":skin-tone-{tone}:" if _is_number(tone) else ""
            return f":{_string(element.get('name'))}:{suffix}"
        case "user":
            return f"<@{_string(element.get('user_id'))}>"
        case "usergroup":
            return f"<!subteam^{_string(element.get('usergroup_id'))}>"
        case "channel":
            return f"<#{_string(element.get('channel_id'))}>"
        case "broadcast":
            return f"<!{_string(element.get('range'))}>"
        case "date":
            return _escape(_string(element.get("fallback")))
    return ""


def _link(url: str, label: str) -> str:
    return f"<{_escape(url)}|{_escape(label)}>" if label else f"<{_escape(url)}>"


def _text_object(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    text = _string(value.get("text")) or _string(value.get("alt_text"))
    return _escape(text) if value.get("type") == "plain_text" else text


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
