"""Person names and patient IDs, made findable from any of their letters on. Pure rules.

A name is folded to `=smith^john^=王小明^=`: small letters without accents, `=` before each component group, `^` after
each component; in East Asian groups components are not told apart, since half of the world's senders do not. Its tails
are that text from each letter on: what contains 小明 has a tail that begins with 小明, what begins with smith one that
begins with =smith. So every pattern is a range of keys.
"""

import re
import unicodedata
from dataclasses import dataclass

from mip_app.dicom.names import EAST_ASIAN
from mip_app.studies.query.values import escaped

TAIL = 16  # characters of a tail that are kept; longer words are looked at in the name itself
LONGEST = 64  # characters of a component group (PS3.5 6.2)
ID = "#"  # stands before the tails of a patient ID: no name holds it at the beginning of a tail


@dataclass(frozen=True, slots=True)
class Pattern:
    """What to look for."""

    probe: str  # whatever matches has a tail that begins so; '': no range of keys leads to it
    like: str  # for the folded name; escaped by a slash
    whole: bool  # and whatever has such a tail matches


NOTHING = Pattern("", "", False)


def folded(person_name: str) -> str:
    """ZHANG^San=张^三 → =zhang^san^=张三^= ; '' → =."""
    groups = [_group(group[:LONGEST]) for group in person_name.split("=")[:3]]
    return "=" + "".join(f"{group}^=" for group in groups if group)


def tails(folded_name: str, patient_id: str) -> set[str]:
    """The keys by which a patient is found."""
    found: set[str] = set()
    for group in folded_name.strip("=").split("="):
        text = f"={group}="
        found.update(text[n : n + TAIL] for n in range(len(text) - 2))
    return found | _id_tails(patient_id)


def _id_tails(patient_id: str) -> set[str]:
    text = f"={_plain(patient_id)[:LONGEST]}="
    return {ID + text[n : n + TAIL] for n in range(len(text) - 1)} if len(text) > 2 else set()


def name_patterns(value: str) -> list[Pattern]:
    """One for each component group of the value: all of them must be found in the name."""
    return [_pattern(group) for group in value.split("=") if group.strip().strip("*^")]


def id_pattern(value: str) -> Pattern:
    """Its `like` is of no use: IDs heed case, and are compared themselves. `whole`: of one ID, in whatever case."""
    text = _plain(value)
    found = _compiled(text, "=", "=")
    one = found.whole and not set("*?") & set(text)
    return Pattern(ID + found.probe if found.probe else "", "", one)


def _pattern(value: str) -> Pattern:
    text = _group(value)
    if "*" in text or "?" in text:
        return _compiled(text, "=", "^=")
    # 王 is a family name, of which the rest is not told; 王^小明 is a whole one.
    open_end = bool(EAST_ASIAN.search(text)) and "^" not in value.strip("^ ")
    probe = f"={text}" if open_end else f"={text}^"
    return Pattern(probe[:TAIL], f"%{escaped(probe)}%", len(probe) <= TAIL)


def _compiled(text: str, start: str, end: str) -> Pattern:
    """A text with wildcards between its anchors."""
    anchored = ("" if text.startswith("*") else start) + text + ("" if text.endswith("*") else end)
    literals = [part for part in re.split(r"[*?]", anchored) if part.strip("=^")]
    probe = max(literals, key=len, default="")
    whole = probe == anchored.strip("*") and len(probe) <= TAIL
    like = escaped(anchored).replace("*", "%").replace("?", "_")
    return Pattern(probe[:TAIL], f"%{like}%", whole)


def _group(text: str) -> str:
    """One component group, comparable."""
    plain = _plain(text)
    if EAST_ASIAN.search(plain):
        return re.sub(r"[\s^·•・‧∙．]", "", plain)
    parts = [re.sub(r"\s+", " ", part).strip() for part in plain.split("^")]
    return "^".join(parts).rstrip("^")


def _plain(text: str) -> str:
    """Without case, accents, full-width forms and what would be taken for an anchor."""
    plain = unicodedata.normalize("NFKD", text.strip().casefold())
    plain = unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))
    return plain.replace("=", " ").replace("\0", "")


def ranges(probe: str) -> tuple[str, str]:
    """The keys that begin with it: from the first, up to before the second."""
    return probe, probe + "\U0010ffff"
