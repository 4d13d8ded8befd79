"""Rooms over HTTP: the one with exactly this name is joined, however many others have it as a part of theirs."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cloudchat.terminal import room_directory
from cloudchat.terminal.http_requests import Address
from cloudchat.terminal.room_directory import MAX_PAGE, NoSuchRoom, RoomDirectory

pytestmark = pytest.mark.anyio


class Server:
    """Answers with pages of public rooms, whose ids are their names."""

    def __init__(self, *names: str) -> None:
        self.names = sorted(names)
        self.joined: list[str] = []

    def request(self, address: Address, method: str, path: str, body: object, *, token: str) -> dict[str, Any]:
        if method == "PUT":
            self.joined.append(path)
            return {}
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        found = [name for name in self.names if query["q"] in name and name > query.get("cursor", "")]
        page = found[: int(query["limit"])]
        return {
            "rooms": [{"id": name, "name": name} for name in page],
            "next": page[-1] if len(found) > len(page) else None,
        }


@pytest.mark.parametrize("others", [0, MAX_PAGE + 1])
async def test_the_room_with_the_whole_name_is_joined(others: int, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("dev", *(f"a-dev-{number}" for number in range(others)))
    monkeypatch.setattr(room_directory, "request", server.request)
    directory = RoomDirectory(Address("http://127.0.0.1"), "token")
    assert await directory.join("dev", "u") == "dev"
    assert server.joined == ["/api/rooms/dev/members/u"]
    with pytest.raises(NoSuchRoom):
        await directory.join("de", "u")
