"""`UpdateListener`: what a Python client has received; a test can wait for an update."""

import asyncio
from collections.abc import Callable

from cloudchat.client import Message, Update


class UpdateListener:
    """Collects the updates of a client, as its `on_update`."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self._changed = asyncio.Event()

    def __call__(self, update: Update) -> None:
        self.updates.append(update)
        self._changed.set()

    @property
    def texts(self) -> list[str]:
        """Return the texts of the messages."""
        return [update.text for update in self.updates if isinstance(update, Message)]

    async def wait_for(self, condition: Callable[[Update], bool]) -> Update:
        """Return the first update that fulfills the condition, once it is there."""
        async with asyncio.timeout(20):
            while True:
                for update in self.updates:
                    if condition(update):
                        return update
                self._changed.clear()
                await self._changed.wait()
