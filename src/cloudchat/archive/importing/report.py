"""What an import could not carry over as it was, for the operator."""

from collections.abc import Iterator

_MAX_EXAMPLES = 10


class ImportReport:
    """Counts each kind of remark, and keeps its first examples."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def add(self, remark: str, example: str = "", count: int = 1) -> None:
        """Count a remark, such as "reactions with emoji that cloudchat does not have"."""
        self._counts[remark] = self._counts.get(remark, 0) + count
        examples = self._examples.setdefault(remark, [])
        if example and example not in examples and len(examples) < _MAX_EXAMPLES:
            examples.append(example)

    def lines(self) -> Iterator[str]:
        """Yield one line for each kind of remark, in the order in which they appeared first."""
        for remark, count in self._counts.items():
            examples = self._examples[remark]
            more = ", …" if len(examples) == _MAX_EXAMPLES else ""
            # Escaped: names of a foreign file must not control the operator's terminal.
            shown = ", ".join(_printable(example) for example in examples)
            yield f"{count} {remark}{f': {shown}{more}' if examples else ''}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
