"""What changed between two texts, word by word. Chinese is compared by character, everything else by word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TypedDict

# Latin words and numbers with their decimals stay whole; anything else is a token of its own.
_TOKEN = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_LONGEST = 4000  # tokens; the comparison is quadratic, and longer stretches are shown as replaced


class Piece(TypedDict):
    kind: str  # same, ins or del
    text: str


def difference(old: str, new: str) -> list[Piece]:
    """Pieces in reading order: those of `old` are same + del, those of `new` same + ins."""
    pieces: list[Piece] = []
    for kind, text in _by_line(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        if text and pieces and pieces[-1]["kind"] == kind:
            pieces[-1]["text"] += text
        elif text:
            pieces.append(Piece(kind=kind, text=text))
    return pieces


def changed(pieces: list[Piece], kind: str) -> int:
    """How many characters were added (`ins`) or removed (`del`), spaces not counted."""
    return sum(len("".join(p["text"].split())) for p in pieces if p["kind"] == kind)


def _by_line(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield "same", "".join(old[a:b])
        else:
            yield from _by_word("".join(old[a:b]), "".join(new[c:d]))


def _by_word(old: str, new: str) -> Iterator[tuple[str, str]]:
    left, right = _TOKEN.findall(old), _TOKEN.findall(new)
    if max(len(left), len(right)) > _LONGEST:
        yield from (("del", old), ("ins", new))
        return
    for what, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal":
            yield "same", "".join(left[a:b])
        else:
            yield from (("del", "".join(left[a:b])), ("ins", "".join(right[c:d])))
