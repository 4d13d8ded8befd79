"""What a test starts ends with the test's block."""

from types import TracebackType
from typing import Self


class EndsWithItsBlock:
    """`with` starts it, and closes it whatever happens, also when it did not come up."""

    def start(self) -> Self:
        """Return once it answers."""
        raise NotImplementedError

    def close(self) -> None:
        """End it, and remove what it kept."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
