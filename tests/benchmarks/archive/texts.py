"""Texts of messages as a company with people of many languages writes them. The same seed makes the same texts."""

import random
from collections.abc import Callable, Sequence
from itertools import accumulate

THIRD, COMMON, RARE = "deploy", "invoice", "zanzibar"
"""Words with a known frequency: in a third of all texts, in 2 of 100, in 1 of 100,000."""
_FREQUENCIES = ((THIRD, 1 / 3), (COMMON, 1 / 50), (RARE, 1 / 100_000))

_ENGLISH = """
    the to a of and in is you that it for on we this be with have are not can but if so at just was will do as or from
    all there what they now please when about one would like get then also need see time up think new out how know more
    today tomorrow meeting server customer release ticket review test build thanks morning problem change
"""
_GERMAN = """
    der die das und ist nicht ich wir es ein eine zu den mit auf für von im sich auch noch schon heute morgen bitte
    danke müssen können größe prüfung übergabe kunde straße änderung rückfrage besprechung lösung fehler gelöst
"""
_SYLLABLES = "ka lo mi ter son vel dra pin gor sta bel nu re ma quil ton fer ash lin or bu sed ni pra tol ver wen"
_CHINESE = (
    "会议记录我们需要部署服务器请看一下这个问题明天再讨论客户反馈测试结果没有今天发布版本更新谢谢大家关于项目进度" * 2
)
_KANA = "のはをにがでとしてますたいないこれそれあとよろしくお願い会議資料確認東京本日明日対応報告問題修正テストサーバー"
_THAI = "ประชุมวันนี้เราต้องดูปัญหาของลูกค้าและส่งเอกสารพรุ่งนี้ขอบคุณครับทดสอบระบบใหม่"
_ARABIC = "الاجتماع اليوم نحن نحتاج إلى مراجعة الخادم الجديد شكرا العميل غدا المشكلة تم الحل من فضلك هذا"
_EMOJI: Sequence[str] = "👍🎉😂🙏🚀🔥✅❌👀💯"
_DRAWN_WORDS = 300_000


class Texts:
    """Makes texts, in the languages of `_SHARES`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._english = self._drawn([*_ENGLISH.split(), *self._invented(20_000)])
        self._german = self._drawn([*_GERMAN.split(), *self._invented(20_000, "ung", "heit", "lich", "ä", "ö")])
        self._makers = list(_SHARES)
        self._shares = list(accumulate(_SHARES.values()))

    def text(self) -> str:
        """Return the next text."""
        chance = self._random
        maker = chance.choices(self._makers, cum_weights=self._shares)[0]
        words = min(400, max(1, round(chance.lognormvariate(2.2, 0.8))))  # half have at most 9 words, on average 12
        text = maker(self, words)
        for word, frequency in _FREQUENCIES:
            if chance.random() < frequency:
                text = f"{text} {word}" if chance.random() < 0.5 else f"{word} {text}"
        return text

    def _spaced(self, words: int) -> str:
        return " ".join(self._piece(self._english, words))

    def _in_german(self, words: int) -> str:
        return " ".join(self._piece(self._german, words)).capitalize() + "."

    def _in_chinese(self, words: int) -> str:
        return self._slices(_CHINESE, words, "，")

    def _in_japanese(self, words: int) -> str:
        return self._slices(_KANA, words, "、")

    def _in_thai(self, words: int) -> str:
        return self._slices(_THAI, words * 2, " ")

    def _in_arabic(self, words: int) -> str:
        return " ".join(self._random.choices(_ARABIC.split(), k=words))

    def _technical(self, words: int) -> str:
        parts = self._piece(self._english, 3)
        identifier = "".join([parts[0], *map(str.capitalize, parts[1:])])
        number = self._random.randrange(100_000)
        technical = (
            f"{'_'.join(parts)}()",
            f"{identifier}.{parts[0]}",
            f"https://git.example.com/{parts[0]}/{parts[1]}/pull/{number}?tab=files",
            f"{parts[0]}.{parts[1]}@example.org",
            f"src/{parts[0]}/{parts[2]}_test.py:{number % 900}",
        )
        return f"{self._spaced(words // 2)} {self._random.choice(technical)}".strip()

    def _short(self, _words: int) -> str:
        return self._random.choice(["ok", "+1", "thanks!", "done", "yes", *_EMOJI])

    def _slices(self, source: str, words: int, separator: str) -> str:
        """Join pieces of a text of a language without spaces."""
        chance, end = self._random, len(source) - 8
        starts = [chance.randrange(end) for _ in range(1 + words // 3)]
        return separator.join(source[start : start + chance.randrange(2, 9)] for start in starts)

    def _piece(self, drawn: Sequence[str], words: int) -> Sequence[str]:
        start = int(self._random.random() * (len(drawn) - words))
        return drawn[start : start + words]

    def _drawn(self, vocabulary: Sequence[str]) -> Sequence[str]:
        """Return words in the frequencies of a natural language (Zipf). Texts are pieces of them: that is faster."""
        weights = list(accumulate(1 / (rank + 3) for rank in range(len(vocabulary))))
        return self._random.choices(vocabulary, cum_weights=weights, k=_DRAWN_WORDS)

    def _invented(self, count: int, *endings: str) -> list[str]:
        chance, syllables = self._random, _SYLLABLES.split()
        words = {"".join(chance.choices(syllables, k=chance.choice((2, 3, 3, 4)))): None for _ in range(count)}
        return [word + (chance.choice(endings) if endings else "") for word in words]


_SHARES: dict[Callable[[Texts, int], str], float] = {
    Texts._spaced: 0.5,
    Texts._in_german: 0.13,
    Texts._in_chinese: 0.08,
    Texts._in_japanese: 0.07,
    Texts._in_thai: 0.03,
    Texts._in_arabic: 0.03,
    Texts._technical: 0.09,
    Texts._short: 0.07,
}
