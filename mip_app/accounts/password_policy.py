"""Which passwords are good enough. Pure rules: no session, no clock; nothing is kept of what is judged."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from mip_app.core.errors import Invalid
from mip_app.dicom.names import search_keys

LEAST = 10  # characters
MOST = 200
_JUDGED = 72  # what the estimate looks at; it takes longer than linear

# The library puts the words of the one who asks into a table of its own module.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Judgement:
    long: bool = False
    other: bool = False  # than the account, the name, the phone
    uncommon: bool = False
    bars: int = 0  # of three

    @property
    def good(self) -> bool:
        return self.long and self.other and self.uncommon


class PasswordRefused(Invalid):
    code = "password.weak"


def own_words(account: str, name: str, phone: str = "") -> tuple[str, ...]:
    """What somebody would try first of a person."""
    return tuple(word for word in (account, *search_keys(name), phone, phone[-8:]) if word)


def require(password: str, own: Iterable[str] = ()) -> None:
    """For the console, which shows no marks while somebody types. Raises PasswordRefused, which says why."""
    judged = judge(password, own)
    if not judged.long:
        raise PasswordRefused("password.length", least=LEAST, most=MOST)
    if not password.isprintable():
        raise PasswordRefused("password.not_printable")
    if not judged.other:
        raise PasswordRefused("password.own_word")
    if not judged.uncommon:
        raise PasswordRefused("password.common")


def judge(password: str, own: Iterable[str] = ()) -> Judgement:
    """`own`: account, name, its readings, phone: what somebody would try first."""
    if not password:
        return Judgement()
    words = [word for word in map(str.casefold, own) if len(word) >= (3 if word.isascii() else 2)]
    long = LEAST <= len(password) <= MOST
    other = not any(word in password.casefold() for word in words)
    score = _score(password[:_JUDGED], words)
    uncommon = score >= 2
    good = long and other and uncommon
    return Judgement(long, other, uncommon, (3 if score >= 3 else 2) if good else 1)


def _score(password: str, words: list[str]) -> int:
    from zxcvbn import zxcvbn  # reads its lists of words, a quarter of a second

    with _one_at_a_time:
        return int(zxcvbn(password, user_inputs=words, max_length=_JUDGED)["score"])
