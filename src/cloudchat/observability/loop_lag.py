"""How long the event loop was busy with something else: while it is, nobody is served."""

import asyncio

LOOK_SECONDS = 0.25


class LoopLag:
    """Measures what a timer comes too late. `run` must be running."""

    def __init__(self) -> None:
        self._longest = 0.0

    async def run(self) -> None:
        """Look again and again, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self._longest = max(self._longest, loop.time() - due)

    def take(self) -> float:
        """The longest delay since this was asked last, in seconds."""
        longest, self._longest = self._longest, 0.0
        return longest
