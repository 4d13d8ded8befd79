"""Search in the archive: what is found, by whom, and in which order."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError

from cloudchat.archive.search import repository
from cloudchat.archive.search.service import Hit, SearchRequest, SearchService
from cloudchat.auth.errors import InvalidField, NotFound
from cloudchat.core.timestamps import rfc3339
from support.archived_rooms import ArchivedMessages
from support.databases import on_both

pytestmark = on_both

TEXTS = {
    "coffee": "The Café opens at 9, says GROẞMUTTER",
    "identifier": "rename getUserName to snake_case in http.client.HTTPServer",
    "link": "see https://docs.example.com/guide/start?tab=2#top",
    "address": "write to ann.smith+chat@example.org",
    "chinese": "今天的会议记录在东京",
    "japanese": "明日の会議はカメラを使います",
    "thai": "ประชุมวันนี้เวลาเก้าโมง",
    "korean": "회의는 내일입니다",
    "arabic": "الاجتماع يبدأ غَدًا",
    "hindi": "कल की बैठक में",
    "cyrillic": "Встреча у ёлки",
    "emoji": "done 🎉👍🏽",
    "operators": "AND OR NOT NEAR a:b (c) *",
    "longword": "x" * 3000,
}


def find(archive: ArchivedMessages, query: str, who: str = "ann", **options: Any) -> list[Hit]:
    service = SearchService(archive.rooms.services.db)
    return list(asyncio.run(service.search(archive.rooms.ids[who], SearchRequest(query, **options))))


def found(archive: ArchivedMessages, query: str, who: str = "ann", **options: Any) -> list[str]:
    return [hit.message.text for hit in find(archive, query, who, **options)]


@pytest.fixture
def office(archive: ArchivedMessages) -> str:
    """A room of ann and bob with all texts."""
    room = archive.rooms.create("ann", users="bob")
    for text in TEXTS.values():
        archive.add(room, "bob", text)
    return room


def test_every_language_is_found_as_people_type_it(archive: ArchivedMessages, office: str) -> None:
    expected = {
        "coffee": ("cafe", "CAFÉ", "caf", "opens cafe", '"cafe opens"', "grossmutter", "9", "cafe -closed"),
        "identifier": (
            "getUserName",
            "getusername",
            "username",
            "UserName",
            "snake_case",
            "snake",
            "http.client",
            "Server",
        ),
        "link": ("https://docs.example.com/guide/start?tab=2#top", "docs.example.com", "example.com/guide", "guide"),
        "address": ("ann.smith+chat@example.org", "ann.smith", "@example.org", "example.org smith"),
        "chinese": ("会议", "会议记录", "录", "东京", "京", '"会议记录"', "今天 东京", "会议 -明天"),
        "japanese": ("会議", "カメラ", "ｶﾒﾗ", "明日の", "メラ"),
        "thai": ("ประชุม", "วันนี้", "เวลา"),
        "korean": ("회의", "내일"),
        "arabic": ("الاجتماع", "غدا"),
        "hindi": ("बैठक", "में"),
        "cyrillic": ("встреча", "елки", "Ёлки"),
        "emoji": ("🎉", "👍", "done 🎉"),
        "operators": ("near", "AND OR NOT", '"a b"', "a:b"),
        "longword": ("x" * 1000, "x" * 70),
    }
    for name, queries in expected.items():
        for query in queries:
            assert found(archive, query) == [TEXTS[name]], query


@pytest.mark.parametrize(
    "query", ["ope ning", "pens", "se", '"opens cafe"', "cafe -opens", "议会", "记录会议", "example.co.uk"]
)
def test_what_is_not_there_is_not_found(archive: ArchivedMessages, office: str, query: str) -> None:
    assert found(archive, query) == []


def test_only_rooms_of_the_caller_are_searched(archive: ArchivedMessages) -> None:
    rooms = archive.rooms
    shared, own = rooms.create("ann", users="bob"), rooms.create("bob", "public", "own")
    archive.add(shared, "ann", "word in shared")
    archive.add(own, "bob", "word in own")
    rooms.user("root", "admin")
    assert found(archive, "word", "bob") == ["word in own", "word in shared"]
    assert found(archive, "word", "ann") == ["word in shared"]
    assert found(archive, "word", "root") == found(archive, "word", "cid") == []
    for who, room in (("ann", own), ("cid", shared), ("root", shared), ("ann", "missing")):
        with pytest.raises(NotFound):
            find(archive, "word", who, room_id=room)
    rooms.remove(shared, "ann", "bob")
    assert found(archive, "word", "bob") == ["word in own"]
    rooms.put(shared, "ann", "bob")
    assert found(archive, "word", "bob") == ["word in own", "word in shared"]


def test_members_of_many_rooms_find_the_newest_of_all(
    archive: ArchivedMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With this number of rooms the index is not asked for them; with the smaller share of dan it is."""
    rooms = [archive.rooms.create("ann", name=f"r{number}") for number in range(4)]
    archive.rooms.put(rooms[0], "ann", "dan")
    for number in range(12):
        archive.add(rooms[number % 4], "ann", f"word {number}")
    expected = [f"word {number}" for number in reversed(range(12))]
    assert found(archive, "word") == expected
    monkeypatch.setattr(repository, "_MAX_INDEXED_ROOMS", 0)
    assert found(archive, "word") == expected
    assert found(archive, "word", "dan") == ["word 8", "word 4", "word 0"]


def test_pages_follow_each_other_while_messages_arrive(archive: ArchivedMessages) -> None:
    room = archive.rooms.create("ann")
    for number in range(7):
        archive.add(room, "ann", f"word {number}")
    pages, cursor = [], None
    while page := find(archive, "word", cursor=cursor, limit=3):
        pages += [hit.message.text for hit in page]
        cursor = page[-1].message.id
        archive.add(room, "ann", "word later")
    assert pages == [f"word {number}" for number in reversed(range(7))]


def test_filters(archive: ArchivedMessages) -> None:
    office, lab = archive.rooms.create("ann", users="bob"), archive.rooms.create("ann", name="lab")
    start = int(archive.at * 1000)
    for room, author, text in ((office, "ann", "word 1"), (lab, "ann", "word 2"), (office, "bob", "word 3")):
        archive.add(room, author, text)
    assert found(archive, "word", room_id=office) == ["word 3", "word 1"]
    assert found(archive, "word", user_id=archive.rooms.ids["ann"]) == ["word 2", "word 1"]
    assert found(archive, "word", room_id=office, user_id=archive.rooms.ids["bob"]) == ["word 3"]
    assert found(archive, "word", user_id="missing") == []
    assert found(archive, "word", since_ms=start + 2000) == ["word 3", "word 2"]
    assert found(archive, "word", until_ms=start + 2000) == ["word 1"]
    assert found(archive, "word", since_ms=-(10**15), until_ms=10**15) == ["word 3", "word 2", "word 1"]


def test_a_hit_is_complete(archive: ArchivedMessages) -> None:
    room = archive.rooms.create("ann", users="bob")
    seq = archive.add(room, "bob", "a word 👍 word")
    (hit,) = find(archive, "word")
    message = hit.message
    assert (message.room_id, message.seq, message.epoch) == (room, seq, "e1")
    assert (message.user_id, message.user_name) == (archive.rooms.ids["bob"], "bob")
    assert (hit.at, hit.highlights) == (rfc3339(archive.at), [(2, 6), (9, 13)])


def test_an_edited_message_is_found_by_its_new_words_only(archive: ArchivedMessages) -> None:
    room = archive.rooms.create("ann")
    seq = archive.add(room, "ann", "old words")
    archive.edit(room, seq, "new words")
    assert found(archive, "old") == []
    assert found(archive, "new") == found(archive, "words") == ["new words"]
    archive.edit(room, seq, "")
    assert found(archive, "words") == []
    assert archive.terms(room, seq) == ""


def test_a_removed_message_and_a_notice_are_not_found(archive: ArchivedMessages) -> None:
    room = archive.rooms.create("ann")
    archive.add(room, "ann", "", notice=True)
    removed = archive.add(room, "ann", "word one")
    archive.add(room, "ann", "word two")
    archive.remove(room, removed)
    assert found(archive, "word") == ["word two"]
    with archive.rooms.services.db.write() as db:
        db.execute(sql("DELETE FROM rooms WHERE id = :id"), {"id": room})
    assert found(archive, "word") == []


def test_a_deletion_cannot_forget_the_index(archive: ArchivedMessages) -> None:
    room = archive.rooms.create("ann")
    archive.add(room, "ann", "word")
    with pytest.raises(IntegrityError), archive.rooms.services.db.write() as db:
        db.execute(sql("UPDATE archived_events SET text = ''"))


@pytest.mark.parametrize(
    "query",
    [
        '"unbalanced word',
        'word" OR "',
        "word AND (NOT NEAR(a b)) ^ * : {x} + | ! & <-> \\ ' '' \x00",
        "word:* | word",
        "_word @word",
        "word" + " \U0010ffff\ufffe\u202e",
        " ".join(f"w{number}" for number in range(60)) + " word",
        "%_word%",
        "word; DROP TABLE users --",
        "word " + "-" * 500,
        "word " + '"' * 500,
        "(" * 900 + "word",
    ],
)
def test_hostile_queries_are_words_or_nothing(archive: ArchivedMessages, query: str) -> None:
    room = archive.rooms.create("ann")
    archive.add(room, "ann", "a word")
    assert found(archive, query) in (["a word"], [])


def test_common_words_that_never_meet_are_found_to_be_nowhere(
    archive: ArchivedMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, cheap attempt fails; the second one has the same answer."""
    room = archive.rooms.create("ann")
    for number in range(30):
        archive.add(room, "ann", f"deploy {number}")
    archive.add(room, "ann", "depot")
    for number in range(30):
        archive.add(room, "ann", f"deploy {number}")
    monkeypatch.setattr(repository, "_CHECK_EVERY", 20)
    monkeypatch.setattr(repository, "_WIDE_CHECKS", 3)
    monkeypatch.setattr(repository, "_SCANNED_ROWS", 0)
    monkeypatch.setattr(repository, "_WALKED_ROWS", 10)
    assert found(archive, "depot") == ["depot"]
    assert len(found(archive, "deploy", limit=50)) == 50
    assert found(archive, "deploy depot") == []


def test_a_search_that_takes_too_long_fails(archive: ArchivedMessages, monkeypatch: pytest.MonkeyPatch) -> None:
    room = archive.rooms.create("ann")
    archive.add(room, "ann", "word")

    def too_slow(*_: object, **__: object) -> None:
        raise repository.SearchTooSlow

    monkeypatch.setattr(repository, "_read", too_slow)
    with pytest.raises(InvalidField, match="too long"):
        find(archive, "word")
