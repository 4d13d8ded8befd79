"""`GET /api/search`: its parameters, its shape, its errors."""

import time
from typing import Any

import pytest
from fastapi import FastAPI

from cloudchat.archive.search.routes import search_routes
from cloudchat.archive.search.service import SearchService
from cloudchat.http.errors import install_error_handlers
from cloudchat.rate_limiting.http_limits import create_limiter, install_limiter
from support.account_services import PASSWORD
from support.archived_rooms import ArchivedMessages
from support.http_app import TestClient


@pytest.fixture
def office(archive: ArchivedMessages) -> str:
    """A room with three messages of ann; the user eve is a member, and has a password."""
    services, rooms = archive.rooms.services, archive.rooms
    rooms.ids["eve"], rooms.roles["eve"] = services.register("eve", now=time.time()), "member"
    room = rooms.create("eve", users="ann")
    for number in range(3):
        archive.add(room, "ann", f"👍 Café {number}")
    return room


@pytest.fixture
def client(archive: ArchivedMessages, office: str) -> TestClient:
    """A client who is signed in as eve. Ten searches are allowed."""
    services = archive.rooms.services
    app, settings = FastAPI(), services.settings.model_copy(update={"search_rate": "10/minute"})
    limiter = create_limiter(settings)
    install_error_handlers(app)
    install_limiter(app, limiter)
    app.include_router(search_routes(SearchService(services.db), services.authenticator, limiter, settings))
    token = services.login("eve", PASSWORD, now=time.time()).access_token
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def search(client: TestClient, **query: Any) -> dict[str, Any]:
    response = client.get("/api/search", params=query)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def test_a_hit_has_the_position_the_author_and_the_places(
    client: TestClient, archive: ArchivedMessages, office: str
) -> None:
    page = search(client, q="cafe 2")
    assert page == {
        "hits": [
            {
                "room": office,
                "seq": 3,
                "epoch": "e1",
                "user": {"id": archive.rooms.ids["ann"], "name": "ann"},
                "text": "👍 Café 2",
                "at": "2027-01-15T08:00:03.000Z",
                "highlights": [[2, 6], [7, 8]],
            }
        ],
        "next": None,
    }


def test_pages_and_filters(client: TestClient, archive: ArchivedMessages, office: str) -> None:
    first = search(client, q="cafe", limit=2)
    assert [hit["seq"] for hit in first["hits"]] == [3, 2]
    second = search(client, q="cafe", limit=2, cursor=first["next"])
    assert ([hit["seq"] for hit in second["hits"]], second["next"]) == ([1], None)
    since = search(client, q="cafe", since="2027-01-15T09:00:02+01:00", until="2027-01-15T08:00:03")
    assert [hit["seq"] for hit in since["hits"]] == [2]
    assert search(client, q="cafe", until="2027-01-15")["hits"] == []
    assert len(search(client, q="cafe", room=office, user=archive.rooms.ids["ann"], until="9999-12-31")["hits"]) == 3


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ({}, 422, "bad_request", "q"),
        ({"q": "-cafe"}, 422, "bad_request", "q"),
        ({"q": "x" * 10_000}, 422, "bad_request", "q"),
        ({"q": "w " * 65}, 200, "", ""),
        ({"q": " ".join(f"w{number}" for number in range(65))}, 422, "bad_request", "q"),
        ({"q": "\x00"}, 422, "bad_request", "q"),
        ({"q": "cafe", "cursor": "9" * 19}, 422, "bad_request", "cursor"),
        ({"q": "cafe", "since": "yesterday"}, 422, "bad_request", "since"),
        ({"q": "cafe", "limit": 101}, 422, "bad_request", "limit"),
        ({"q": "cafe", "room": "\x00"}, 422, "bad_request", "room"),
        ({"q": "cafe", "room": "missing"}, 404, "not_found", None),
    ],
)
def test_errors(client: TestClient, query: dict[str, Any], status: int, code: str, field: str | None) -> None:
    response = client.get("/api/search", params=query)
    assert response.status_code == status
    if status != 200:
        error = response.json()["error"]
        assert (error["code"], error.get("field")) == (code, field)


def test_searches_have_their_own_limit_and_need_a_token(client: TestClient) -> None:
    client.headers["Authorization"] = "Bearer nonsense"
    statuses = [client.get("/api/search", params={"q": "cafe"}).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
