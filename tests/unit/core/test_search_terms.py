"""The terms of texts: the rule that messages and queries share."""

import pytest

from cloudchat.core.search_terms import MAX_TERM_CHARACTERS, camel_parts, composed, search_terms, tokens


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Hello, World!", "hello world"),
        ("", ""),
        ("?! …", ""),
        ("Café STRASSE Straße", "cafe strasse strasse"),
        ("Łódź Ærø İzmir", "lodz aero izmir"),
        ("𝐁𝐨𝐥𝐝 𝒳𝒴 ℌ", "bold xy h"),
        ("cafe\u0301 caf\u00e9", "cafe cafe"),
        ("ПРИВЕТ Ёлка", "привет елка"),
        ("مَرْحَبًا، بكم", "مرحبا بكم"),
        ("हिन्दी में।", "हिन्दी में"),
        ("会议记录", "会议 议记 记录 录"),
        ("東", "東"),
        ("カメラ ｶﾒﾗ", "カメ メラ ラ カメ メラ ラ"),
        ("か\u3099き", "がき き"),
        ("ประชุม", "ปร ระ ะช ชุ ุม ม"),
        ("회의는", "회의 의는 는"),
        ("iPhone手机", "iphone 手机 机 | phone"),
        ("👍🏽 🇩🇪", "👍 🇩 🇪"),
        ("snake_case a.b.c ann@example.com", "snake case a b c ann example com"),
        ("https://x.org/y?z=1#top", "https x org y z 1 top"),
        ("getUserName HTTPServer", "getusername httpserver | username name server"),
        ("a\x00b", "a b"),
        ("ﷺ", "صلىاللهعليهوسلم"),
        ("“quoted” — don’t", "quoted don t"),
    ],
)
def test_terms_of_a_text(text: str, terms: str) -> None:
    assert search_terms(text) == terms


def test_a_long_word_is_several_terms() -> None:
    assert [len(term) for term in search_terms("x" * (2 * MAX_TERM_CHARACTERS + 1)).split()] == [64, 64, 1]


def test_an_identifier_that_a_program_made_has_no_parts() -> None:
    assert search_terms("aBcDeFgHiJkLmNoPqR") == "abcdefghijklmnopqr"


@pytest.mark.parametrize("text", ["Café 会议记录 getName 👍", "ﾊﾟｰ x ﷺ ½", "plain words", "Z\u0351\u0343algo हिन्दी"])
def test_tokens_are_the_words_of_the_terms(text: str) -> None:
    normal = composed(text)
    found = list(tokens(normal))
    assert " ".join(token.term for token in found) == search_terms(text).partition(" | ")[0]
    assert all(0 <= token.start < token.end <= len(normal) for token in found)


def test_parts_of_a_word_end_with_the_word() -> None:
    text = "call getUserName now"
    assert [text[part.start : part.end] for part in camel_parts(text)] == ["UserName", "Name"]


def test_no_character_makes_a_term_with_a_meaning_in_an_index() -> None:
    """Terms stand in the query languages of two databases, and between spaces."""
    for code in [*range(0xD800), *range(0xE000, 0x32000), *range(0xE0000, 0xE0200)]:
        for term in search_terms(f"x{chr(code)}y {chr(code)}").replace("|", "").split():
            assert not any(character.isascii() and not character.isalnum() for character in term), hex(code)
