"""Slack's text becomes plain text."""

import pytest

from cloudchat.archive.importing.slack.emoji import emoji_of
from cloudchat.archive.importing.slack.rich_text import text_of_attachments, text_of_blocks
from cloudchat.archive.importing.slack.text import Names, convert_text
from cloudchat.archive.importing.source import SourceUser

NAMES = Names({"U1": SourceUser("U1", "ann"), "U2": SourceUser("U2", "bob")}, {"C1": "general"})


@pytest.mark.parametrize(
    ("slack", "text"),
    [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<@U1>: <@U2|robert>!", "@ann: @bob!"),
        ("<@U9> <@U9|zed>", "@U9 @zed"),
        ("<#C1|general> <#C1> <#C9>", "#general #general #C9"),
        ("<!here> <!channel> <!everyone>", "@room @room @room"),
        ("<!subteam^S1|@team> <!subteam^S1>", "@team @S1"),
        ("<!date^1392734382^{date}|February 18th>", "February 18th"),
        ("<https://example.org/a?b=1&amp;c=2>", "https://example.org/a?b=1&c=2"),
        ("<https://example.org|example.org>", "https://example.org"),
        ("<https://example.org/x|the docs>", "the docs (https://example.org/x)"),
        ("<mailto:a@example.org|a@example.org> <tel:+49|+49>", "a@example.org +49"),
        (":tada: :wave::skin-tone-4: :+1: :party_parrot: 10:30:00", "🎉 👋🏽 👍 :party_parrot: 10:30:00"),
        ("`:tada: &lt;b&gt;` ```<https://example.org|example.org> <@U1>```", "`:tada: <b>` ```example.org @U1```"),
        ("*bold* _italic_ ~gone~\n&gt; quote", "*bold* _italic_ ~gone~\n> quote"),
        ("&lt;&gt; <@> <!>", "<> @ "),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_text(slack: str, text: str) -> None:
    assert convert_text(slack, NAMES).text == text


def test_mentions_are_found_once_and_in_order() -> None:
    converted = convert_text("<@U2> <@U1> <@U2> <!here> <@U9>", NAMES)
    assert [user.name for user in converted.mentions.values()] == ["bob", "ann"]
    assert (converted.mentions_room, converted.unknown) == (True, ["U9"])


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("tada", "🎉"),
        ("thumbsup", "👍"),
        ("+1::skin-tone-6", "👍🏿"),
        ("female-technologist::skin-tone-2", "👩🏻‍💻"),
        ("flag-de", "🇩🇪"),
        ("heart", "❤️"),
        ("party_parrot", None),
        ("tada::other", "🎉"),
        ("", None),
    ],
)
def test_names_of_emoji(name: str, emoji: str | None) -> None:
    assert emoji_of(name) == emoji


def test_rich_text_has_what_the_blocks_have() -> None:
    section = [
        {"type": "text", "text": "a < b "},
        {"type": "user", "user_id": "U1"},
        {"type": "emoji", "name": "wave", "skin_tone": 3},
        {"type": "link", "url": "https://example.org", "text": "docs"},
        {"type": "channel", "channel_id": "C1"},
        {"type": "broadcast", "range": "here"},
        {"type": "color", "value": "#fff"},
    ]
    items = [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]} for text in ("one", "two")]
    elements = [
        {"type": "rich_text_section", "elements": section},
        {"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": items},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x = 1"}]},
    ]
    text = convert_text(text_of_blocks([{"type": "rich_text", "elements": elements}]), NAMES).text
    assert text == (
        "a < b @ann👋🏼docs (https://example.org)#general@room\n  1. one\n  2. two\n> said\n```\nx = 1\n```"
    )


def test_blocks_and_attachments_of_apps() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Deploy <1>"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*done*"}, "fields": [{"type": "mrkdwn", "text": "ok"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "by ann"}, {"type": "image", "alt_text": "face"}]},
        {"type": "image", "alt_text": "a graph"},
        {"type": "divider"},
        {"type": "actions"},
    ]
    assert text_of_blocks(blocks) == "Deploy &lt;1&gt;\n*done*\nok\nby ann face\na graph\n---"
    attachments = [
        {"title": "Build 7", "title_link": "https://ci.example", "fields": [{"title": "Branch", "value": "main"}]},
        {"fallback": "only this"},
        {"from_url": "https://example.org", "title": "a preview"},
    ]
    assert text_of_attachments(attachments) == "<https://ci.example|Build 7>\nBranch: main\nonly this"


@pytest.mark.parametrize("blocks", [None, 1, "x", [1], [{}], [{"type": "rich_text", "elements": {"a": 1}}]])
def test_broken_blocks_have_no_text(blocks: object) -> None:
    assert text_of_blocks(blocks) == ""
    assert text_of_attachments(blocks) == ""


def test_deep_and_large_blocks_end() -> None:
    deep: dict[str, object] = {"type": "rich_text_list", "elements": []}
    for _ in range(500):
        deep = {"type": "rich_text_list", "elements": [deep]}
    assert text_of_blocks([{"type": "rich_text", "elements": [deep]}]) == ""
    texts = [{"type": "text", "text": "x"}] * 100_000
    section = {"type": "rich_text_section", "elements": texts}
    assert len(text_of_blocks([{"type": "rich_text", "elements": [section]}])) < 10_000
