"""Create, find, join and leave rooms over HTTP. The socket then tells the client which rooms the user is in."""

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

from cloudchat.client import TokenProvider
from cloudchat.terminal.http_requests import Address, request

MAX_LISTED = 20


class NoSuchRoom(Exception):
    """There is no public room with this name."""


class RoomDirectory:
    """The rooms of the server, for one user. Every method raises `RequestFailed` and OSError."""

    def __init__(self, address: Address, token: str | TokenProvider) -> None:
        self._address = address
        self._token = token

    async def create(self, name: str, kind: str) -> str:
        """Create a room and return its id."""
        room = await self._request("POST", "/api/rooms", {"kind": kind, "name": name})
        return str(room["id"])

    async def find(self, beginning: str) -> list[dict[str, Any]]:
        """Return public rooms whose names begin so."""
        query = urlencode({"q": beginning, "limit": MAX_LISTED} if beginning else {"limit": MAX_LISTED})
        found = await self._request("GET", f"/api/rooms/public?{query}")
        rooms: list[dict[str, Any]] = found["rooms"]
        return rooms

    async def join(self, name: str, user_id: str) -> str:
        """Become a member of a public room and return its id. Raises `NoSuchRoom`."""
        for room in await self.find(name):
            if room["name"].casefold() == name.casefold():
                await self._request("PUT", f"/api/rooms/{quote(room['id'])}/members/{quote(user_id)}", {})
                return str(room["id"])
        raise NoSuchRoom(f"there is no public room named {name}")

    async def leave(self, room_id: str, user_id: str) -> None:
        """End the membership."""
        await self._request("DELETE", f"/api/rooms/{quote(room_id)}/members/{quote(user_id)}")

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        token = self._token if isinstance(self._token, str) else await self._token(False)
        return await asyncio.to_thread(request, self._address, method, path, body, token=token)
