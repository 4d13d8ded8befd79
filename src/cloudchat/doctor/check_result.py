"""What a check says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line: what was looked at, and with it what was found. `wrong` is None when all is well; else the mend."""

    what: str
    wrong: str | None = None
