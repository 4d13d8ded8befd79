"""The routes of rooms, members and moderation on the real server: shapes, statuses, codes and pages."""

from collections.abc import Iterator

import httpx
import pytest

from support.accounts import Account
from support.chat_users import RATES, room_of, signed_in
from support.commands import done, run_here
from support.server import RunningServer


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(environment=RATES) as running:
        yield running


@pytest.fixture(scope="module")
def people(server: RunningServer) -> Iterator[list[Account]]:
    with signed_in(server, "ann", "bob", "cid") as accounts:
        yield accounts


@pytest.fixture
def ann(people: list[Account]) -> Account:
    return people[0]


@pytest.fixture
def bob(people: list[Account]) -> Account:
    return people[1]


@pytest.fixture
def cid(people: list[Account]) -> Account:
    return people[2]


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_new_room_has_the_documented_shape(ann: Account) -> None:
    created = ann.http.post("/api/rooms", json={"kind": "private", "name": "office", "topic": "rents"})
    assert created.status_code == 201
    room = created.json()
    assert room == {
        "id": room["id"],
        "kind": "private",
        "name": "office",
        "topic": "rents",
        "role": "owner",
        "archived": False,
        "muted": False,
        "slow_mode_seconds": 0,
        "retention_days": 0,
        "read": 0,
    }
    assert ann.http.get(f"/api/rooms/{room['id']}").json() == room
    assert room in ann.http.get("/api/rooms").json()["rooms"]


def test_direct_room_is_the_same_for_all_its_people(ann: Account, bob: Account) -> None:
    first = ann.http.post("/api/rooms", json={"kind": "direct", "users": [bob.user_id]})
    again = bob.http.post("/api/rooms", json={"kind": "direct", "users": [ann.user_id, bob.user_id]})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["name"], first.json()["users"]) == ("", [{"id": bob.user_id, "name": "bob"}])
    assert again.json()["users"] == [{"id": ann.user_id, "name": "ann"}]


def test_public_room_is_found_joined_and_left(ann: Account, bob: Account) -> None:
    room = room_of(
        ann,
        "public",
        "Garden",
    )
    found = bob.http.get("/api/rooms/public", params={"q": "GARD"}).json()
    assert found == {
        "rooms": [{"id": room, "name": "Garden", "topic": "", "members": 1, "joined": False}],
        "next": None,
    }
    assert bob.http.get(f"/api/rooms/{room}").json()["role"] is None
    member = f"/api/rooms/{room}/members/{bob.user_id}"
    joined = bob.http.put(member)
    assert joined.status_code == 200
    assert {key: joined.json()[key] for key in ("id", "name", "role")} == {
        "id": bob.user_id,
        "name": "bob",
        "role": "member",
    }
    assert bob.http.put(member, json={}).status_code == 200
    listed = bob.http.get(f"/api/rooms/{room}/members").json()
    assert [(one["name"], one["role"]) for one in listed["members"]] == [("ann", "owner"), ("bob", "member")]
    assert listed["next"] is None
    assert bob.http.delete(member).status_code == 204
    assert refused(bob.http.delete(member)) == (404, "not_found")


def test_same_answer_for_a_room_that_cannot_be_seen_and_for_one_that_does_not_exist(
    ann: Account, bob: Account, cid: Account
) -> None:
    private = room_of(ann, "private", "secret")
    direct = room_of(ann, "direct", None, bob)
    answers = set()
    for room in (private, direct, "nothing", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"):
        path = f"/api/rooms/{room}"
        for response in (
            cid.http.get(path),
            cid.http.patch(path, json={"topic": "x"}),
            cid.http.get(f"{path}/members"),
            cid.http.put(f"{path}/members/{cid.user_id}"),
            cid.http.put(f"{path}/members/{cid.user_id}", json={"role": "owner"}),
            cid.http.delete(f"{path}/members/{ann.user_id}"),
            cid.http.get(f"{path}/mutes"),
            cid.http.put(f"{path}/mutes/{ann.user_id}", json={"reason": "x"}),
            cid.http.put(f"{path}/bans/{ann.user_id}", json={"reason": "x"}),
            cid.http.delete(f"{path}/bans/{ann.user_id}"),
        ):
            answers.add((response.status_code, response.text))
    assert len(answers) == 1
    ((status, text),) = answers
    assert status == 404
    assert '"code": "not_found"' in text


def test_patch_changes_the_room_and_the_own_switch(ann: Account, bob: Account) -> None:
    room = room_of(ann, "private", "shop", bob)
    path = f"/api/rooms/{room}"
    change = {"name": "store", "topic": "tea", "slow_mode_seconds": 5.0, "archived": True, "muted": True}
    changed = ann.http.patch(path, json=change)
    assert changed.status_code == 200
    assert {key: changed.json()[key] for key in change} == change
    seen_by_bob = bob.http.get(path).json()
    assert (seen_by_bob["name"], seen_by_bob["muted"], seen_by_bob["archived"]) == ("store", False, True)
    assert refused(ann.http.patch(path, json={"name": "later"})) == (409, "conflict")
    assert ann.http.patch(path, json={"archived": False, "name": "later"}).json()["name"] == "later"
    assert refused(bob.http.patch(path, json={"topic": "x"})) == (403, "forbidden")
    assert bob.http.patch(path, json={"muted": True}).json()["muted"] is True


def test_name_of_a_public_room_is_taken_in_any_case(ann: Account, bob: Account) -> None:
    room_of(ann, "public", "Design")
    response = bob.http.post("/api/rooms", json={"kind": "public", "name": "dESIGN"})
    assert refused(response) == (409, "conflict")
    assert response.json()["error"]["field"] == "name"
    assert bob.http.post("/api/rooms", json={"kind": "private", "name": "dESIGN"}).status_code == 201


INVALID: dict[str, tuple[dict[str, object], str]] = {
    "no kind": ({"name": "x"}, "kind"),
    "an unknown kind": ({"kind": "secret", "name": "x"}, "kind"),
    "no name": ({"kind": "public"}, "name"),
    "a blank name": ({"kind": "private", "name": " \u200b"}, "name"),
    "a long name": ({"kind": "private", "name": "x" * 81}, "name"),
    "two lines": ({"kind": "private", "name": "a\nb"}, "name"),
    "a long topic": ({"kind": "private", "name": "x", "topic": "x" * 251}, "topic"),
    "an unknown user": ({"kind": "private", "name": "x", "users": ["nobody"]}, "users"),
    "a user with a NUL": ({"kind": "private", "name": "x", "users": ["a\x00"]}, "users"),
    "a direct room with a name": ({"kind": "direct", "name": "x", "users": ["nobody"]}, "name"),
    "a direct room without others": ({"kind": "direct"}, "users"),
    "an unknown field": ({"kind": "private", "name": "x", "role": "owner"}, "role"),
}


@pytest.mark.parametrize(("body", "field"), INVALID.values(), ids=INVALID.keys())
def test_invalid_room_is_refused_and_names_the_field(ann: Account, body: dict[str, object], field: str) -> None:
    response = ann.http.post("/api/rooms", json=body)
    assert refused(response) == (422, "bad_request")
    assert response.json()["error"]["field"].startswith(field)


def test_last_owner_cannot_leave_a_private_room_with_others(ann: Account, bob: Account) -> None:
    room = room_of(ann, "private", "two", bob)
    own = f"/api/rooms/{room}/members/{ann.user_id}"
    assert refused(ann.http.delete(own)) == (409, "conflict")
    assert ann.http.put(f"/api/rooms/{room}/members/{bob.user_id}", json={"role": "owner"}).json()["role"] == "owner"
    assert ann.http.delete(own).status_code == 204
    assert refused(ann.http.get(f"/api/rooms/{room}")) == (404, "not_found")


def test_lobby_cannot_be_left(ann: Account) -> None:
    assert refused(ann.http.delete(f"/api/rooms/lobby/members/{ann.user_id}")) == (409, "conflict")


def test_mutes_and_bans_have_an_end_and_a_reason(ann: Account, bob: Account) -> None:
    room = room_of(ann, "public", "strict", bob)
    for what in ("mutes", "bans"):
        path = f"/api/rooms/{room}/{what}/{bob.user_id}"
        made = ann.http.put(path, json={"seconds": 3600, "reason": "spam"})
        assert made.status_code == 200
        assert (made.json()["id"], made.json()["reason"], made.json()["created_by"]) == (
            *(bob.user_id, "spam"),
            ann.user_id,
        )
        assert made.json()["until"].endswith("Z")
        assert ann.http.put(path, json={"reason": ""}).json()["until"] is None
        listed = ann.http.get(f"/api/rooms/{room}/{what}").json()
        assert [user["name"] for user in listed["users"]] == ["bob"]
        for body in ({}, {"seconds": 0, "reason": "x"}, {"seconds": 10**9, "reason": "x"}, {"reason": "a\nb"}):
            assert ann.http.put(path, json=body).status_code == 422
    own = f"/api/rooms/{room}/members/{bob.user_id}"
    assert refused(bob.http.put(own)) == (403, "forbidden")
    assert ann.http.delete(f"/api/rooms/{room}/bans/{bob.user_id}").status_code == 204
    assert bob.http.put(own).status_code == 200
    assert [ann.http.delete(f"/api/rooms/{room}/mutes/{bob.user_id}").status_code for _ in range(2)] == [204, 404]


def pages_of(account: Account, path: str, key: str, **parameters: str) -> list[str]:
    """Return the ids in all pages of two."""
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body = account.http.get(path, params={"limit": "2", **parameters, **cursor}).raise_for_status().json()
        assert len(body[key]) <= 2
        seen += [entry["id"] for entry in body[key]]
        if body["next"] is None:
            return seen
        cursor = {"cursor": body["next"]}


def test_lists_are_paged_without_a_double_or_a_hole(server: RunningServer, ann: Account) -> None:
    with signed_in(server, "page1", "page2", "page3") as others:
        room = room_of(ann, "public", "pages 1", *others)
        made = {room, *(room_of(ann, "public", f"pages {number}") for number in range(2, 6))}
        assert made <= set(pages_of(ann, "/api/rooms", "rooms"))
        found = pages_of(ann, "/api/rooms/public", "rooms", q="pages")
        assert (len(found), set(found)) == (5, made)
        everyone = [ann.user_id, *(other.user_id for other in others)]
        assert pages_of(ann, f"/api/rooms/{room}/members", "members") == everyone
        assert pages_of(ann, f"/api/rooms/{room}/members", "members", q="PAGE") == everyone[1:]
        assert pages_of(ann, "/api/users", "users", q="page") == everyone[1:]
        for other in others:
            ann.http.put(f"/api/rooms/{room}/mutes/{other.user_id}", json={"reason": "x"}).raise_for_status()
        assert pages_of(ann, f"/api/rooms/{room}/mutes", "users") == everyone[1:]


def test_users_are_found_by_the_beginning_of_their_names(server: RunningServer, ann: Account) -> None:
    with signed_in(server, "zoé", "zora") as (zoe, zora):
        found = ann.http.get("/api/users", params={"q": "ZO"}).json()
        assert found == {
            "users": [{"id": zora.user_id, "name": "zora"}, {"id": zoe.user_id, "name": "zoé"}],
            "next": None,
        }
        assert [user["name"] for user in ann.http.get("/api/users", params={"q": "ZOÉ"}).json()["users"]] == ["zoé"]
        done(run_here(server.state_dir, "admin", "disable-user", "zora"))
        assert [user["name"] for user in ann.http.get("/api/users", params={"q": "zo"}).json()["users"]] == ["zoé"]
    assert ann.http.get("/api/users", params={"q": "a\x00"}).json()["users"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "cursor=%00"])
def test_invalid_page_parameters_return_422(ann: Account, query: str) -> None:
    for path in ("/api/rooms", "/api/rooms/public", "/api/rooms/lobby/members", "/api/users"):
        assert ann.http.get(f"{path}?{query}").status_code == 422


def test_tokens_need_their_scopes(server: RunningServer, ann: Account) -> None:
    issue = ("admin", "issue-token", "ann", "--ttl", "1h", "--scope")
    token = done(run_here(server.state_dir, *issue, "chat:read")).strip()
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, verify=False) as program:
        assert program.get("/api/rooms").status_code == 200
        assert refused(program.post("/api/rooms", json={"kind": "private", "name": "x"})) == (403, "forbidden")
        assert refused(program.put(f"/api/rooms/lobby/members/{ann.user_id}")) == (403, "forbidden")
    assert refused(httpx.get(f"{server.url}/api/rooms/lobby", verify=False)) == (401, "unauthenticated")


def test_administrator_owns_a_private_room_only_by_a_visible_act(server: RunningServer, ann: Account) -> None:
    with signed_in(server, "chief:admin") as (chief,):
        room = room_of(ann, "private", "closed")
        path = f"/api/rooms/{room}"
        assert refused(chief.http.get(path)) == (404, "not_found")
        assert chief.http.put(f"{path}/members/{chief.user_id}", json={"role": "owner"}).json()["role"] == "owner"
        assert chief.http.get(path).json()["role"] == "owner"
        (entry, *_) = chief.http.get("/api/admin/audit").json()["entries"]
        assert (entry["action"], entry["actor_name"]) == ("room.take_ownership", "chief")
        assert [member["name"] for member in ann.http.get(f"{path}/members").json()["members"]] == ["ann", "chief"]
