"""Messages of Slack, with all subtypes, become rows."""

from typing import Any

import pytest

from cloudchat.archive.importing.report import ImportReport
from cloudchat.archive.importing.slack.messages import MAX_TEXT, MessageConverter
from cloudchat.archive.importing.slack.text import Names
from cloudchat.archive.importing.source import SourceRow, SourceUser
from support.slack_exports import message, ts

ANN, BOB = SourceUser("U1", "ann"), SourceUser("U2", "bob")


class Channel:
    def __init__(self) -> None:
        self.report = ImportReport()
        self.converter = MessageConverter("C1", Names({"U1": ANN, "U2": BOB}, {}), self.report)

    def rows(self, *messages: dict[str, Any]) -> list[SourceRow]:
        return [row for message in messages for row in self.converter.convert(message)]

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        [row] = self.rows(message)
        return row.event


@pytest.fixture
def channel() -> Channel:
    return Channel()


def test_a_message(channel: Channel) -> None:
    [row] = channel.rows(
        message(
            1,
            "hi <@U2>",
            edited={"user": "U1", "ts": ts(5)},
            reactions=[
                {"name": "tada", "users": ["U2", "U9", "U1"], "count": 3},
                {"name": "party_parrot", "users": ["U1"], "count": 1},
                {"name": "wave::skin-tone-3", "users": ["U1"], "count": 1},
            ],
        )
    )
    assert {**row.event, "cid": ""} == {
        "type": "message",
        "seq": 1,
        "cid": "",
        "user": ANN,
        "text": "hi @bob",
        "at": "2020-09-13T12:26:41.000Z",
        "edited_at": "2020-09-13T12:26:45.000Z",
        "mentions": [BOB],
    }
    assert row.reactions == [("🎉", [BOB, ANN]), ("👋🏼", [ANN])]
    assert list(channel.report.lines()) == [
        "1 reactions of users that the export does not name were left out",
        "1 reactions have an emoji that cloudchat does not have, or are too many: :party_parrot:",
    ]


def test_a_message_has_the_same_cid_in_each_conversion() -> None:
    assert Channel().event(message(1, "x"))["cid"] == Channel().event(message(1, "x"))["cid"]
    assert Channel().event(message(1, "x"))["cid"] != Channel().event(message(2, "x"))["cid"]


def test_threads_are_replies(channel: Channel) -> None:
    rows = channel.rows(
        message(1, "question", thread_ts=ts(1), reply_count=2),
        message(2, "other"),
        message(3, "answer", thread_ts=ts(1), parent_user_id="U1"),
        message(4, "seen by all", thread_ts=ts(1), subtype="thread_broadcast", root={"ts": ts(1)}),
        message(5, "old form", thread_ts=ts(1), subtype="reply_broadcast"),
        message(6, "lost", thread_ts=ts(0)),
    )
    assert [row.event.get("reply_to") for row in rows] == [None, None, 1, 1, 1, None]
    assert "1 replies belong to messages that the export does not have" in next(channel.report.lines())


@pytest.mark.parametrize(
    ("fields", "notice"),
    [
        ({"subtype": "channel_join"}, {"kind": "joined", "user": ANN}),
        ({"subtype": "group_join", "inviter": "U2"}, {"kind": "added", "user": BOB, "target": ANN, "value": "member"}),
        ({"subtype": "channel_leave"}, {"kind": "left", "user": ANN}),
        ({"subtype": "group_topic", "topic": "new &amp; old"}, {"kind": "topic", "user": ANN, "value": "new & old"}),
        ({"subtype": "channel_name", "old_name": "a", "name": "b"}, {"kind": "renamed", "user": ANN, "value": "b"}),
        ({"subtype": "group_archive", "members": []}, {"kind": "archived", "user": ANN}),
        ({"subtype": "channel_unarchive"}, {"kind": "restored", "user": ANN}),
    ],
)
def test_notices(channel: Channel, fields: dict[str, Any], notice: dict[str, Any]) -> None:
    event = channel.event(message(1, "<@U1> did something", **fields))
    assert event == {"type": "notice", "seq": 1, "at": "2020-09-13T12:26:41.000Z", **notice}


@pytest.mark.parametrize(
    "subtype",
    [
        "assistant_app_thread",
        "bot_add",
        "bot_remove",
        "channel_canvas_updated",
        "channel_convert_to_private",
        "channel_posting_permissions",
        "channel_purpose",
        "document_mention",
        "file_mention",
        "file_share",
        "group_purpose",
        "huddle_thread",
        "pinned_item",
        "reminder_add",
        "sh_room_created",
        "slackbot_response",
        "unpinned_item",
        "a_subtype_of_tomorrow",
    ],
)
def test_other_subtypes_are_messages(channel: Channel, subtype: str) -> None:
    event = channel.event(message(1, "did something", subtype=subtype))
    assert (event["type"], event["user"], event["text"]) == ("message", ANN, "did something")


def test_me_messages_and_deleted_messages(channel: Channel) -> None:
    assert channel.event(message(1, "waves", subtype="me_message"))["text"] == "_waves_"
    gone = channel.event(message(2, "This message was deleted.", "USLACKBOT", subtype="tombstone", hidden=True))
    assert (gone["text"], gone["deleted_at"], gone["user"].name) == ("", "2020-09-13T12:26:42.000Z", "slackbot")


@pytest.mark.parametrize("subtype", ["message_changed", "message_deleted", "message_replied"])
def test_records_of_changes_are_left_out(channel: Channel, subtype: str) -> None:
    assert channel.rows(message(1, "x", subtype=subtype, hidden=True)) == []


@pytest.mark.parametrize(
    ("fields", "name", "is_bot"),
    [
        ({"subtype": "bot_message", "user": None, "bot_id": "B1", "username": "deploy"}, "deploy", True),
        ({"subtype": "bot_message", "user": None, "username": "only a name"}, "only a name", True),
        ({"bot_id": "B1", "bot_profile": {"name": "app"}}, "ann", True),
        ({"user": None, "bot_id": "B1", "bot_profile": {"name": "app"}}, "app", True),
        ({"user": "U7", "user_profile": {"name": "guest"}}, "guest", False),
        ({"user": "U7"}, "U7", False),
        ({"user": None}, "slackbot", True),
        ({"user": "U\x007"}, "slackbot", True),
        ({"subtype": "file_comment", "user": None, "comment": {"user": "U2", "comment": "nice"}}, "bob", False),
    ],
)
def test_authors(channel: Channel, fields: dict[str, Any], name: str, is_bot: bool) -> None:
    [row] = channel.rows({**message(1, "x"), **fields})
    assert (row.event["user"].name, row.is_bot) == (name, is_bot)


def test_files_are_listed_without_their_tokens(channel: Channel) -> None:
    files = [
        {"id": "F1", "name": "plan.pdf", "url_private": "https://files.slack.com/f/plan.pdf?t=xoxe-1"},
        {"id": "F2", "mode": "tombstone"},
        "broken",
    ]
    event = channel.event(message(1, "see", subtype="file_share", files=files))
    assert event["text"] == "see\n📎 plan.pdf https://files.slack.com/f/plan.pdf\n📎 a file that was deleted"


def test_a_text_is_taken_from_blocks_if_there_is_no_other(channel: Channel) -> None:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": "from blocks"}]}
    assert channel.event(message(1, blocks=[{"type": "rich_text", "elements": [section]}]))["text"] == "from blocks"
    assert channel.rows(message(2)) == []


def test_a_long_text_is_divided(channel: Channel) -> None:
    text = "word " * 2000 + "x" * 9000
    rows = channel.rows(message(1, text, reactions=[{"name": "tada", "users": ["U1"]}]), message(2, "next"))
    parts = [row.event["text"] for row in rows[:-1]]
    assert max(map(len, parts)) <= MAX_TEXT
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")
    assert [bool(row.reactions) for row in rows] == [True] + [False] * (len(rows) - 1)
    assert len({row.event["cid"] for row in rows}) == len(rows)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"type": "file", "ts": ts(1)},
        {"type": "message", "ts": 5},
        {"type": "message", "ts": "now"},
        message(1, "\x00\x1b"),
        message(1, reactions=5, files={}, blocks=7, attachments="x", edited=[], thread_ts={}),
    ],
)
def test_broken_messages_are_left_out_and_reported(channel: Channel, record: dict[str, Any]) -> None:
    assert channel.rows(record) == []
    assert len(list(channel.report.lines())) == 1


def test_control_characters_are_removed(channel: Channel) -> None:
    assert channel.event(message(1, "a\x00b\x1b[31mc\u0085d\te"))["text"] == "ab[31mcd\te"
