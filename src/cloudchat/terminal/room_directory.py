"""Create, find, join and leave rooms over HTTP. The socket then tells the client which rooms the user is in."""

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

from cloudchat.client import TokenProvider
from cloudchat.terminal.http_requests import Address, request

MAX_LISTED = 20
MAX_PAGE = 500
"""The largest page that the server returns."""


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

    async def find(self, part: str) -> list[dict[str, Any]]:
        """Return the first `MAX_LISTED` public rooms that have `part` in their names."""
        rooms: list[dict[str, Any]] = (await self._page(part, MAX_LISTED))["rooms"]
        return rooms

    async def join(self, name: str, user_id: str) -> str:
        """Become a member of a public room and return its id. Raises `NoSuchRoom`."""
        room_id = await self._id_of(name)
        await self._request("PUT", f"/api/rooms/{quote(room_id)}/members/{quote(user_id)}", {})
        return room_id

    async def leave(self, room_id: str, user_id: str) -> None:
        """End the membership."""
        await self._request("DELETE", f"/api/rooms/{quote(room_id)}/members/{quote(user_id)}")

    async def _id_of(self, name: str) -> str:
        cursor: str | None = None
        while True:  # many rooms can have the name as a part of theirs
            page = await self._page(name, MAX_PAGE, cursor)
            for room in page["rooms"]:
                if room["name"].casefold() == name.casefold():
                    return str(room["id"])
            cursor = page["next"]
            if cursor is None:
                raise NoSuchRoom(f"there is no public room named {name}; /find lists them")

    async def _page(self, part: str, limit: int, cursor: str | None = None) -> dict[str, Any]:
        query = {"q": part, "limit": limit, **({} if cursor is None else {"cursor": cursor})}
        return await self._request("GET", f"/api/rooms/public?{urlencode(query)}")

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        token = self._token if isinstance(self._token, str) else await self._token(False)
        return await asyncio.to_thread(request, self._address, method, path, body, token=token)
