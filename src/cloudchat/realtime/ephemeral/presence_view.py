"""Who is online in all processes together, as one process knows it. Sans-I/O."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field


class _Process(Struct):
    version: int = 0
    users: set[str] = field(default_factory=set)


class PresenceView:
    """The users of each process. Every change of a process has the next `version`, so a lost one is noticed.

    A user is online while at least one process has them. The methods return the users whose state may have changed;
    `is_online` is their new state.
    """

    def __init__(self) -> None:
        self._processes: dict[str, _Process] = {}
        self._online: Counter[str] = Counter()
        """In how many processes a user is."""

    def __len__(self) -> int:
        """Return how many users are online."""
        return len(self._online)

    def is_online(self, user_id: str) -> bool:
        """Return whether the user has a socket in any process."""
        return user_id in self._online

    def change(self, process: str, version: int, came: Iterable[str], left: Iterable[str]) -> set[str]:
        """Apply the change of a process. A change that was applied before, or that follows a lost one, is ignored."""
        known = self._processes.setdefault(process, _Process())
        if version != known.version + 1:
            return set()
        known.version = version
        return self._add(known, came) | self._remove(known, left)

    def change_own(self, process: str, came: Iterable[str], left: Iterable[str]) -> set[str]:
        """Apply a change of this process itself, which loses none."""
        known = self._processes.setdefault(process, _Process())
        return self._add(known, came) | self._remove(known, left)

    def outdated(self, versions: Mapping[str, int]) -> list[str]:
        """Return the processes whose users must be read, given the current version of each."""
        return [process for process, version in versions.items() if self._version_of(process) < version]

    def replace(self, process: str, version: int, users: Collection[str]) -> set[str]:
        """Take over what was read of a process. It is ignored if a newer change was applied meanwhile."""
        known = self._processes.setdefault(process, _Process())
        if version <= known.version:
            return set()
        known.version = version
        users = set(users)
        return self._remove(known, known.users - users) | self._add(known, users - known.users)

    def retain(self, processes: Collection[str]) -> set[str]:
        """Drop all processes but these: the others have ended."""
        changed: set[str] = set()
        for process in [name for name in self._processes if name not in processes]:
            ended = self._processes.pop(process)
            changed |= self._remove(ended, set(ended.users))
        return changed

    def _version_of(self, process: str) -> int:
        known = self._processes.get(process)
        return 0 if known is None else known.version

    def _add(self, process: _Process, users: Iterable[str]) -> set[str]:
        added = set(users) - process.users
        process.users |= added
        self._online.update(added)
        return added

    def _remove(self, process: _Process, users: Iterable[str]) -> set[str]:
        removed = set(users) & process.users
        process.users -= removed
        for user_id in removed:
            self._online[user_id] -= 1
            if not self._online[user_id]:
                del self._online[user_id]
        return removed
