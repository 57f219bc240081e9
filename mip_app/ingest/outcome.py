"""What is offered, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Protocol


class Kind(StrEnum):
    STORED = "stored"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


# No images, and nothing is lost without them: what else lies on a patient's CD.
NO_IMAGES = frozenset({"ingest.not_dicom", "ingest.dicomdir"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `code` is a key of the catalogue, `detail` fills it; UIDs as far as they are known."""

    name: str
    kind: Kind
    code: str
    detail: dict[str, str] = field(default_factory=dict)
    study_uid: str = ""
    series_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    transfer_syntax_uid: str = ""


class Source(Protocol):
    """A file somebody offers; `error` is set, and there is nothing to open, where it could not even be opened."""

    @property
    def name(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def open(self) -> Callable[[], BinaryIO] | None: ...
