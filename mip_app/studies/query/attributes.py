"""Which attributes are columns: matched in the database, answered without opening a header."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from mip_app.studies.models import Instance, Patient, Series, Study
from mip_app.studies.query.asked import Level


class Kind(Enum):
    """How a value is compared."""

    UID = auto()  # single or list
    TEXT = auto()  # single, wildcard
    CODE = auto()  # the same, lists too
    VALUES = auto()  # several in one column, joined by backslashes: any of them
    DATE = auto()
    TIME = auto()
    NUMBER = auto()
    NAME = auto()  # the patient's
    PERSON = auto()  # another's: folded by the database as well as it can


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column: `vr` as it is answered."""

    tag: str
    vr: str
    level: Level
    kind: Kind
    column: Any


def _attributes(level: Level, *rows: tuple[str, str, Kind, Any]) -> list[Attribute]:
    return [Attribute(tag, vr, level, kind, column) for tag, vr, kind, column in rows]


PATIENT = _attributes(
    Level.PATIENT,
    ("00100010", "PN", Kind.NAME, Patient.person_name),
    ("00100020", "LO", Kind.TEXT, Patient.patient_id),
    ("00100021", "LO", Kind.TEXT, Patient.issuer),
    ("00100030", "DA", Kind.DATE, Patient.birth_date),
    ("00100040", "CS", Kind.CODE, Patient.sex),
)
STUDY = _attributes(
    Level.STUDY,
    ("00080020", "DA", Kind.DATE, Study.study_date),
    ("00080030", "TM", Kind.TIME, Study.study_time),
    ("00080050", "SH", Kind.TEXT, Study.accession_number),
    ("00080061", "CS", Kind.VALUES, Study.modalities),
    ("00080090", "PN", Kind.PERSON, Study.referring_physician),
    ("00080201", "SH", Kind.TEXT, Study.utc_offset),
    ("00081030", "LO", Kind.TEXT, Study.description),
    ("00101010", "AS", Kind.TEXT, Study.patient_age),
    ("0020000D", "UI", Kind.UID, Study.study_uid),
    ("00200010", "SH", Kind.TEXT, Study.study_id),
    ("00201206", "IS", Kind.NUMBER, Study.series_count),
    ("00201208", "IS", Kind.NUMBER, Study.instance_count),
)
SERIES = _attributes(
    Level.SERIES,
    ("00080021", "DA", Kind.DATE, Series.series_date),
    ("00080031", "TM", Kind.TIME, Series.series_time),
    ("00080060", "CS", Kind.CODE, Series.modality),
    ("0008103E", "LO", Kind.TEXT, Series.description),
    ("00180015", "CS", Kind.CODE, Series.body_part),
    ("0020000E", "UI", Kind.UID, Series.series_uid),
    ("00200011", "IS", Kind.NUMBER, Series.series_number),
    ("00200060", "CS", Kind.CODE, Series.laterality),
    ("00201209", "IS", Kind.NUMBER, Series.instance_count),
    ("00400244", "DA", Kind.DATE, Series.performed_date),
    ("00400245", "TM", Kind.TIME, Series.performed_time),
    ("00400275.00400009", "SH", Kind.VALUES, Series.scheduled_step_ids),
    ("00400275.00401001", "SH", Kind.VALUES, Series.requested_procedure_ids),
)
INSTANCE = _attributes(
    Level.INSTANCE,
    ("00080016", "UI", Kind.UID, Instance.sop_class_uid),
    ("00080018", "UI", Kind.UID, Instance.sop_instance_uid),
    ("00200013", "IS", Kind.NUMBER, Instance.instance_number),
    ("00280010", "US", Kind.NUMBER, Instance.rows),
    ("00280011", "US", Kind.NUMBER, Instance.columns),
)
_ORDER = {Level.PATIENT: PATIENT, Level.STUDY: STUDY, Level.SERIES: SERIES, Level.INSTANCE: INSTANCE}
BY_TAG = {attribute.tag: attribute for level in _ORDER.values() for attribute in level}


def at(level: Level) -> list[Attribute]:
    """The columns of one level alone."""
    return _ORDER[level]


def above(level: Level) -> list[Attribute]:
    """The columns of all levels up to this one: what can be matched there."""
    levels = list(_ORDER)
    return [a for each in levels[: levels.index(level) + 1] for a in _ORDER[each]]


# In headers: what all instances of a study, or of a series, say alike (PS3.3 C.7.1 to C.7.3).
OF_STUDY = frozenset(
    [
        "00080051",
        "00080062",
        "00080096",
        "0008009C",
        "00081032",
        "00081048",
        "00081049",
        "00081060",
        "00081062",
        "00081080",
        "00081084",
        "00081110",
        "00081120",
        "00101000",
        "00101001",
        "00101002",
        "00101005",
        "00101020",
        "00101030",
        "00101040",
        "00101060",
        "00101080",
        "00101081",
        "00101090",
        "00102000",
        "00102110",
        "00102160",
        "00102180",
        "001021A0",
        "001021B0",
        "001021C0",
        "001021F0",
        "00104000",
        "00100022",
        "00100024",
        "00100032",
        "00321032",
        "00321033",
        "00321060",
        "00324000",
        "00380010",
        "00380060",
        "00380500",
        "00400012",
        "00120010",
        "00120020",
        "00120040",
        "00120050",
        "00120062",
        "00120063",
    ]
)
OF_SERIES = OF_STUDY | frozenset(
    [
        "00080064",
        "00080068",
        "00080070",
        "00080080",
        "00080081",
        "00081010",
        "00081040",
        "0008103F",
        "00081050",
        "00081052",
        "00081070",
        "00081072",
        "00081090",
        "00081111",
        "00081250",
        "00180010",
        "00180050",
        "00180088",
        "00181000",
        "00181020",
        "00181030",
        "00185100",
        "00200052",
        "00200060",
        "00201040",
        "00280108",
        "00280109",
        "00400250",
        "00400251",
        "00400253",
        "00400254",
        "00400260",
        "00400275",
        "00400280",
        "00400244",
        "00400245",
        "00400241",
        "00400242",
        "00400243",
        "00080005",
    ]
)
