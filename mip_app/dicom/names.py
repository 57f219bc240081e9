"""Person names (PS3.5 6.2.1): how one is shown, and by what it is found."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations, islice, product

MAX_READINGS = 16
MAX_CHARACTERS = 24  # a name; more is a text
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
_DOTS = re.compile("[·•・‧∙．]")
_SURNAMES = {  # as a family name these are read otherwise than as a word
    "单": "shan", "仇": "qiu", "曾": "zeng", "解": "xie", "查": "zha", "任": "ren", "朴": "piao", "盖": "ge",
    "乐": "yue", "区": "ou", "华": "hua", "翟": "zhai", "覃": "qin", "缪": "miao", "冼": "xian", "召": "shao",
    "尉": "yu", "长": "zhang", "万": "wan", "宁": "ning", "石": "shi", "折": "she", "种": "chong", "繁": "po",
    "員": "yun", "员": "yun", "秘": "bi", "洗": "xian", "燕": "yan", "葛": "ge", "祭": "zhai", "黑": "he",
}  # fmt: skip


def display_name(pn: str) -> str:
    """ZHANG^SAN=张^三 → 张三; SMITH^Jonathan^A → SMITH, Jonathan A; 阿依古丽·买买提江 as it is; '' → ''."""
    groups = [g.strip() for g in pn.split("=")]
    for group in (groups[1:2] or [""]) + groups[:1]:
        if EAST_ASIAN.search(group):
            return "".join(part.strip() for part in group.split("^"))
    spoken = next((g for g in groups if g.strip("^ ")), "")
    family, *rest = [part.strip() for part in spoken.split("^")]
    given = " ".join(part for part in rest[:2] if part)
    return ", ".join(part for part in (family, given) if part)


def search_term(text: str) -> str:
    """What somebody typed, made comparable with search_keys: zhang san → zhangsan, 张 三 → 张三, JÉRÔME → jerome."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))
    return re.sub(r"[\s^=,'’.\-]", "", _DOTS.sub("", plain))


def search_keys(pn: str) -> list[str]:
    """Lower-case keys, each to be matched by prefix: ideographs, all pinyin readings, initials, Latin words."""
    keys: dict[str, None] = {}
    for group in pn.split("="):
        parts = [p.strip() for p in group.split("^") if p.strip()]
        words = [w for part in parts for w in re.split(r"[\s,]+", _DOTS.sub(" ", part)) if w]
        candidates = ["".join(words), *words]
        if _IDEOGRAPH.search(group):
            candidates += _pinyin_keys(parts)
        elif len(words) > 1:
            candidates += ["".join([*words[1:], words[0]]), "".join(w[0] for w in words)]
        keys.update(dict.fromkeys(k for k in map(search_term, candidates) if k))
    return list(keys)


def has_ideographs(group: str) -> bool:
    """Whether a component group is written in an East Asian script."""
    return bool(EAST_ASIAN.search(group))


def readings(group: str) -> set[str]:
    """How an ideographic name is written in pinyin, the likeliest ways: 张^三 → {zhangsan}; 单^雄 has three."""
    characters = [c for c in "".join(group.split("^")[:3]) if _IDEOGRAPH.match(c)]
    return {"".join(reading) for reading in _readings(characters, True)}


def _pinyin_keys(parts: list[str]) -> list[str]:
    """Full pinyin and initials of the whole name in every reading, then of the given name alone."""
    whole = [c for c in "".join(parts) if _IDEOGRAPH.match(c)]
    given = [c for c in "".join(parts[1:]) if _IDEOGRAPH.match(c)] if len(parts) > 1 else whole[1:]
    keys: list[str] = []
    for characters, family_first in ((whole, True), (given, False)):
        for reading in _readings(characters, family_first):
            keys += ["".join(reading), "".join(syllable[0] for syllable in reading)]
    return keys


def _readings(characters: list[str], family_first: bool) -> list[tuple[str, ...]]:
    """At most MAX_READINGS, the likeliest first."""
    if not characters:
        return []
    from pypinyin import Style, pinyin  # a third of a second of the start

    choices = []
    for place, character in enumerate(characters[:MAX_CHARACTERS]):
        found = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
        syllables = [s for s in found[0] if s] if found else [character]
        if place == 0 and family_first and character in _SURNAMES:
            syllables.insert(0, _SURNAMES[character])
        syllables += [s.replace("v", "u") for s in syllables if "v" in s]  # 吕: lv, in passports lu
        choices.append(list(dict.fromkeys(syllables)))
    return list(islice(_by_likelihood(choices), MAX_READINGS))


def _by_likelihood(choices: list[list[str]]) -> Iterator[tuple[str, ...]]:
    """All first readings, then those with one other, with two others, …"""
    many = [place for place, syllables in enumerate(choices) if len(syllables) > 1]
    for count in range(len(many) + 1):
        for places in combinations(many, count):
            yield from product(*(c[1:] if n in places else c[:1] for n, c in enumerate(choices)))
