"""What a page sends with every act, and what it is told. Comes from the client: nothing in it is believed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mip_app.core.errors import Invalid, TooLarge

LIMIT = 65_536  # bytes of UTF-8 in one field
REASON = 500  # characters


class TooLong(TooLarge):
    code = "report.too_long"


@dataclass(frozen=True, slots=True)
class Draft:
    """The text as the page has it, the fence it was written under and the revision it was written on."""

    study_uid: str
    fence: int | None = None
    revision: int = -1
    findings: str = field(default="", repr=False)
    impression: str = field(default="", repr=False)
    with_text: bool = False
    reason: str = field(default="", repr=False)
    ask: int = 0  # the page's number for this question

    @property
    def text(self) -> tuple[str, str]:
        return self.findings, self.impression


@dataclass(frozen=True, slots=True)
class Outcome:
    """`ok`: it is done, or was done already. Otherwise `code` says why not, `kept` which version has the text."""

    ok: bool
    code: str = ""
    revision: int = -1
    fence: int | None = None
    kept: int = 0
    who: str = ""


def draft_of(sent: object) -> Draft:
    """Raises Invalid for what no page of ours sends, TooLong for a field over the limit."""
    if not isinstance(sent, Mapping):
        raise Invalid()
    findings, impression = sent.get("findings"), sent.get("impression")
    return Draft(
        study_uid=_word(sent.get("uid")),
        fence=_number(sent.get("fence")),
        revision=_number(sent.get("revision"), -1) or 0,
        findings=_text(findings),
        impression=_text(impression),
        with_text=isinstance(findings, str) and isinstance(impression, str),
        reason=_text(sent.get("reason")).strip()[:REASON],
        ask=_number(sent.get("ask"), 0) or 0,
    )


def _word(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9.]{1,64}", value):
        raise Invalid()
    return value


def _number(value: object, missing: int | None = None) -> int | None:
    if value is None:
        return missing
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise Invalid()
    return value


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid()
    # A browser may send half of a surrogate pair; NUL no database takes. Line ends as a text area has them.
    clean = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")
    clean = clean.replace("\r\n", "\n").replace("\r", "\n")
    if len(clean.encode()) > LIMIT:
        raise TooLong(kb=LIMIT // 1024)
    return clean
