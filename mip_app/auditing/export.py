"""The log as a file: CSV for people, DICOM audit messages for other systems. Read in stretches, written as it is read."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Row
from sqlmodel import Session, col

from mip_app.audit import service as audit
from mip_app.audit.models import Act, AuditEntry
from mip_app.auditing import details, messages, reading
from mip_app.auditing.asking import Asked, said
from mip_app.auditing.reading import Labels, Narrowed, Place
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.database import read
from mip_app.core.texts import LANGUAGES, words

STRETCH = 1000


class Format(StrEnum):
    CSV = "csv"
    DICOM = "dicom"


@dataclass(frozen=True, slots=True)
class Export:
    """What is about to be written: up to the entries there were when it began."""

    format: Format
    wanted: Narrowed
    entries: int
    zone: ZoneInfo
    language: str


@needs(Permission.AUDIT_EXPORT)
def begin(session: Session, actor: Actor, asked: Asked, form: Format, language: str) -> Export:
    """Count, and write down that the log leaves; by what it was narrowed, never to whom."""
    actor.require(Permission.AUDIT_READ)
    wanted = reading.narrowed(session, actor, asked)
    newest = session.execute(sa.select(sa.func.max(AuditEntry.id))).scalar() or 0
    wanted.conditions.append(col(AuditEntry.id) <= newest)
    entries = reading.count(session, wanted)
    by = {name: word for name, word in said(asked).items() if word and name not in ("person", "study")}
    by |= {name: "*" for name in ("person", "study") if said(asked)[name]}
    audit.record(session, actor, Act.AUDIT_EXPORTED, format=form, entries=entries, by=by)
    known = language if language in LANGUAGES else LANGUAGES[0]
    return Export(form, wanted, entries, reading.zone_of(session, actor), known)


@needs(Permission.AUDIT_EXPORT)
def _stretch(session: Session, actor: Actor, export: Export, after: Place | None) -> tuple[list[Row], Labels]:
    rows = reading.stretch(session, export.wanted, STRETCH, after, newest_first=False)
    return rows, reading.labels(session, actor, rows)


@needs(Permission.AUDIT_EXPORT)
def lines(export: Export, actor: Actor) -> Iterator[bytes]:
    """The file in pieces, oldest first: one line an entry between the first and the last line."""
    write: Callable[[Row, Labels], str]
    if export.format is Format.CSV:
        sheet = _Sheet(export)
        write, first, last = sheet.line, sheet.head(), ""
    else:
        site = audit.scope_of(actor)
        write, first, last = (
            lambda row, labels: _message(row, labels, site),
            _DICOM_HEAD,
            "</AuditMessages>\n",
        )
    yield first.encode()
    after = None
    while True:
        rows, labels = read(_stretch, actor, export, after)
        if rows:
            yield "".join(write(row, labels) for row in rows).encode("utf-8", "replace")
        if len(rows) < STRETCH:
            break
        after = Place(rows[-1].at, rows[-1].id)
    yield last.encode()


_DICOM_HEAD = '<?xml version="1.0" encoding="UTF-8"?><AuditMessages>\n'


def _message(row: Row, labels: Labels, site: str) -> str:
    accession, patient = labels.studies.get(row.subject.removeprefix("study:"), ("", ""))
    entry = messages.Entry(
        at=row.at,
        user_id=row.user_id,
        actor=row.actor,
        address=row.address,
        act=row.act,
        subject=row.subject,
        result=row.result,
        detail=row.detail or {},
        accession=accession,
        patient=patient,
    )
    return messages.message(entry, site) + "\n"


class _Sheet:
    """CSV as Excel reads it: a mark of its encoding at the start, and no cell that it would calculate."""

    COLUMNS = (
        "entry", "time", "person", "user", "act", "act_code", "accession", "patient", "subject", "result", "address", "content", "detail",
    )  # fmt: skip

    def __init__(self, export: Export) -> None:
        self.zone, self.language = export.zone, export.language

    def head(self) -> str:
        names = [words(f"audit.column.{name}", {}, self.language) for name in self.COLUMNS]
        return "\ufeff" + _csv(names)

    def line(self, row: Row, labels: Labels) -> str:
        accession, patient = labels.studies.get(row.subject.removeprefix("study:"), ("", ""))
        detail = json.dumps(row.detail, ensure_ascii=False, sort_keys=True) if row.detail else ""
        return _csv(
            [
                row.id,
                self._time(row.at),
                row.actor,
                row.user_id or "",
                words(f"audit.act.{row.act}", {}, self.language, fallback=row.act),
                row.act,
                accession,
                patient,
                row.subject,
                words(f"audit.result.{row.result}", {}, self.language),
                row.address,
                self._content(row, labels),
                detail,
            ]
        )

    def _content(self, row: Row, labels: Labels) -> str:
        return details.said(row.act, row.result, row.subject, row.detail or {}, labels.names, self.language)

    def _time(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).isoformat(sep=" ", timespec="milliseconds")


def _csv(cells: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([safe(cell) for cell in cells])
    return line.getvalue()


def safe(cell: object) -> object:
    """A cell that a spreadsheet shows and does not calculate, on one line."""
    if not isinstance(cell, str):
        return cell
    text = " ".join(cell.splitlines())
    return (
        f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")) else text
    )
