"""What a check finds. UIDs and keys, never a patient."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    MISSING = "missing"  # a row without its file
    DAMAGED = "damaged"  # a file that is not what its row says
    ORPHAN = "orphan"  # a file of an image without a row: nobody was told that it is stored
    COUNT = "count"  # numbers of a study that are not those of its rows
    DERIVED = "derived"  # made from images, and of no use
    ARRIVING = "arriving"  # a file without a row that is young: it may be on its way
    OUTDATED = "outdated"  # made from images, and replaced or without its image: takes room only


HARMLESS = frozenset({Kind.ARRIVING, Kind.OUTDATED})


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    what: str  # a UID, or the key of a file
    detail: str = ""
    repaired: bool = False

    @property
    def wrong(self) -> bool:
        return not self.repaired and self.kind not in HARMLESS
