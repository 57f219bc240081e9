"""QIDO-RS (PS3.18 10.6): searching studies, and the series and instances of one."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Invalid
from mip_app.dicom.part10 import parse_date
from mip_app.dicomweb.metadata import ROOT
from mip_app.studies import door
from mip_app.studies import service as studies_service
from mip_app.studies.models import Instance, Patient, Series, Study

Json = dict[str, Any]
MOST = 1000  # results in one answer
DEFAULT = 200

# Attribute keyword and tag → our name of it.
_NAMES = {
    "StudyInstanceUID": "study_uid", "0020000D": "study_uid",
    "PatientID": "patient_id", "00100020": "patient_id",
    "PatientName": "name", "00100010": "name",
    "AccessionNumber": "accession", "00080050": "accession",
    "StudyDate": "date", "00080020": "date",
    "ModalitiesInStudy": "modality", "00080061": "modality",
    "StudyDescription": "description", "00081030": "description",
    "SeriesInstanceUID": "series_uid", "0020000E": "series_uid",
    "Modality": "series_modality", "00080060": "series_modality",
    "SOPInstanceUID": "sop_instance_uid", "00080018": "sop_instance_uid",
}  # fmt: skip
_NOT_FILTERS = frozenset({"limit", "offset", "includefield", "fuzzymatching"})


@dataclass(frozen=True, slots=True)
class Query:
    """Matching keys by our names, and the stretch of the results asked for."""

    match: Mapping[str, str]
    limit: int = DEFAULT
    offset: int = 0


def parse(parameters: Mapping[str, str]) -> Query:
    """Raises Invalid for numbers that are none and for attributes that cannot be searched."""
    match = {}
    for name, value in parameters.items():
        if name in _NOT_FILTERS or not value:
            continue
        if name not in _NAMES:
            raise Invalid("dicomweb.unknown_key", key=name[:64] if name.isalnum() else "?")
        match[_NAMES[name]] = value
    try:
        limit, offset = int(parameters.get("limit", DEFAULT)), int(parameters.get("offset", 0))
    except ValueError as error:
        raise Invalid("dicomweb.bad_page") from error
    if limit < 0 or offset < 0 or offset > 10_000:
        raise Invalid("dicomweb.bad_page")
    return Query(match, min(limit, MOST), offset)


@needs(Permission.STUDY_READ)
def studies(session: Session, actor: Actor, query: Query) -> list[Json]:
    """Newest first, in a stable order."""
    statement = select(Study, Patient).join(Patient, col(Patient.id) == Study.patient_pk)
    for name, value in query.match.items():
        statement = statement.where(_study_condition(name, value))
    ordered = statement.order_by(col(Study.studied_at).desc(), col(Study.id).desc())
    found = session.exec(door.through(ordered.limit(query.limit).offset(query.offset), actor)).all()
    return [_study_json(study, patient) for study, patient in found]


@needs(Permission.STUDY_READ)
def series(session: Session, actor: Actor, study_uid: str, query: Query) -> list[Json]:
    """The series of a study by number. Raises NotVisible."""
    statement = (
        select(Series)
        .join(Study, col(Study.id) == Series.study_pk)
        .where(Study.study_uid == study_uid)
        .order_by(col(Series.series_number), col(Series.id))
    )
    columns = {"series_uid": Series.series_uid, "series_modality": Series.modality}
    found = session.exec(door.through(_matching(statement, query, columns), actor)).all()
    if not found:
        _must_exist(session, actor, study_uid)
    return [_series_json(study_uid, row) for row in found]


@needs(Permission.STUDY_READ)
def instances(session: Session, actor: Actor, study_uid: str, series_uid: str, query: Query) -> list[Json]:
    """The instances of a series by number. Raises NotVisible."""
    statement = (
        select(Instance)
        .join(Series, col(Series.id) == Instance.series_pk)
        .join(Study, col(Study.id) == Series.study_pk)
        .where(Study.study_uid == study_uid, Series.series_uid == series_uid)
        .order_by(col(Instance.instance_number), col(Instance.id))
    )
    columns = {"sop_instance_uid": Instance.sop_instance_uid}
    found = session.exec(door.through(_matching(statement, query, columns), actor)).all()
    if not found:
        _must_exist(session, actor, study_uid, series_uid)
    return [_instance_json(study_uid, series_uid, row) for row in found]


def _matching(statement: Any, query: Query, columns: Mapping[str, Any]) -> Any:
    for name, value in query.match.items():
        if name not in columns:
            raise Invalid("dicomweb.unknown_key", key=name)
        statement = statement.where(_text(columns[name], value))
    return statement.limit(query.limit).offset(query.offset)


def _must_exist(session: Session, actor: Actor, study_uid: str, series_uid: str = "") -> None:
    statement = select(Study.id).where(Study.study_uid == study_uid)
    if series_uid:
        statement = statement.join(Series, col(Series.study_pk) == Study.id).where(
            Series.series_uid == series_uid
        )
    if session.execute(door.through(statement, actor)).first() is None:
        raise studies_service.not_visible(session, actor, study_uid)


def _study_condition(name: str, value: str) -> ColumnElement[bool]:
    if name == "date":
        return _date_range(value)
    if name == "name":
        # Every component group, so that 王 and Wang both find 王^小明.
        return _text(Patient.person_name, f"*{value.strip('*')}*", fold=True)
    if name == "modality":
        return _text(Study.modalities, f"*{value}*")
    columns = {
        "study_uid": Study.study_uid,
        "patient_id": Patient.patient_id,
        "accession": Study.accession_number,
        "description": Study.description,
    }
    if name not in columns:
        raise Invalid("dicomweb.unknown_key", key=name)
    return _text(columns[name], value)


def _text(column: Any, value: str, fold: bool = False) -> ColumnElement[bool]:
    """Single value, list of UIDs (comma or backslash) or wildcard (* and ?), PS3.4 C.2.2.2."""
    if any(sign in value for sign in "*?"):
        escaped = value.replace("/", "//").replace("%", "/%").replace("_", "/_")
        pattern = escaped.replace("*", "%").replace("?", "_")
        left = func.lower(column) if fold else col(column)
        return left.like(pattern.lower() if fold else pattern, escape="/")
    values = [part for part in value.replace("\\", ",").split(",") if part]
    return col(column).in_(values) if len(values) > 1 else col(column) == value


def _date_range(value: str) -> ColumnElement[bool]:
    start, dash, end = value.partition("-")
    first, last = _date(start), _date(end) if dash else _date(start)
    if first is None and last is None:
        raise Invalid("dicomweb.bad_date")
    conditions = [col(Study.study_date) >= first] if first else []
    if last:
        conditions.append(col(Study.study_date) <= last)
    return conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1]


def _date(text: str) -> date | None:
    if not text:
        return None
    found = parse_date(text)
    if found is None:
        raise Invalid("dicomweb.bad_date")
    return found


def _attribute(vr: str, *values: Any) -> Json:
    kept = [value for value in values if value not in ("", None)]
    return {"vr": vr, "Value": kept} if kept else {"vr": vr}


def _person(name: str) -> Json:
    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False))
    kept = {group: text for group, text in groups.items() if text}
    return {"vr": "PN", "Value": [kept]} if kept else {"vr": "PN"}


def _study_json(study: Study, patient: Patient) -> Json:
    birth = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    return {
        "00080005": _attribute("CS", "ISO_IR 192"),
        "00080020": _attribute("DA", f"{study.study_date:%Y%m%d}" if study.study_date else ""),
        "00080030": _attribute("TM", study.study_time),
        "00080050": _attribute("SH", study.accession_number),
        "00080056": _attribute("CS", "ONLINE"),
        "00080061": _attribute("CS", *study.modalities.split("\\")),
        "00080090": _person(study.referring_physician),
        "00081030": _attribute("LO", study.description),
        "00081190": _attribute("UR", f"{ROOT}/studies/{study.study_uid}"),
        "00100010": _person(patient.person_name),
        "00100020": _attribute("LO", patient.patient_id),
        "00100030": _attribute("DA", birth),
        "00100040": _attribute("CS", patient.sex),
        "0020000D": _attribute("UI", study.study_uid),
        "00200010": _attribute("SH", study.study_id),
        "00201206": _attribute("IS", study.series_count),
        "00201208": _attribute("IS", study.instance_count),
    }


def _series_json(study_uid: str, row: Series) -> Json:
    return {
        "00080005": _attribute("CS", "ISO_IR 192"),
        "00080021": _attribute("DA", f"{row.series_date:%Y%m%d}" if row.series_date else ""),
        "00080060": _attribute("CS", row.modality),
        "0008103E": _attribute("LO", row.description),
        "00081190": _attribute("UR", f"{ROOT}/studies/{study_uid}/series/{row.series_uid}"),
        "00180015": _attribute("CS", row.body_part),
        "0020000D": _attribute("UI", study_uid),
        "0020000E": _attribute("UI", row.series_uid),
        "00200011": _attribute("IS", row.series_number),
        "00201209": _attribute("IS", row.instance_count),
    }


# Of the stored header these are required answers at the instance level (PS3.18 table 10.6.3-5).
_INSTANCE_TAGS = ("00080016", "00080018", "00200013", "00280008", "00280010", "00280011", "00280100")


def _instance_json(study_uid: str, series_uid: str, row: Instance) -> Json:
    header = json.loads(zlib.decompress(row.header))
    at = f"{ROOT}/studies/{study_uid}/series/{series_uid}/instances/{row.sop_instance_uid}"
    return {
        "00080005": _attribute("CS", "ISO_IR 192"),
        "00080056": _attribute("CS", "ONLINE"),
        "00081190": _attribute("UR", at),
        "0020000D": _attribute("UI", study_uid),
        "0020000E": _attribute("UI", series_uid),
        **{tag: header[tag] for tag in _INSTANCE_TAGS if tag in header},
    }
