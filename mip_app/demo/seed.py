"""Filling an empty installation with the demo, through the same services as everybody else.

Interrupted, it goes on where it stopped: what is stored already is the same bytes again.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO

import pydicom
from sqlalchemy import update
from sqlmodel import Session, col

from mip_app.accounts import opening
from mip_app.accounts.models import Role
from mip_app.accounts.passwords import random_password
from mip_app.accounts.roles import PERMISSIONS
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.database import write
from mip_app.core.errors import Conflict
from mip_app.demo import catalogue, notes, phantom, reporting
from mip_app.dimse import registering
from mip_app.ingest.service import Kind, take_in
from mip_app.studies import door
from mip_app.studies.models import Study


def seed(progress: Callable[[int, int], None]) -> None:
    """Make the demo, or what is missing of it. `progress(done, all)` is told after each study."""
    noted = notes.note() or {"began": utc_now().isoformat(), "accounts": [], "done": []}
    notes.keep(noted)
    now = datetime.fromisoformat(noted["began"])
    alliance = write(opening.open_alliance, opening.CONSOLE, catalogue.ALLIANCE, catalogue.ALLIANCE_EN)
    institutions = _institutions(alliance)
    _nodes(institutions)
    people = _people(noted, alliance, institutions)
    for number, spec in enumerate(catalogue.STUDIES):
        if spec.key not in noted["done"]:
            institution = institutions[spec.institution]
            _images(_gateway(institution), spec, now)
            write(_orders, _gateway(institution), spec)
            reporting.write_report(spec, people, now)
            noted["done"].append(spec.key)
            notes.keep(noted)
        progress(number + 1, len(catalogue.STUDIES))
    notes.keep({**noted, "whole": True})


def _institutions(alliance: int) -> dict[str, int]:
    return {
        one.code: write(
            opening.open_institution,
            opening.CONSOLE,
            alliance,
            one.code,
            one.name,
            name_en=one.name_en,
            level=one.level,
            address=one.address,
            phone=one.phone,
        )
        for one in catalogue.INSTITUTIONS
    }


def _nodes(institutions: dict[str, int]) -> None:
    """dcmtk's commands, by the titles that they call themselves, from this machine."""
    for title in catalogue.NODES:
        with contextlib.suppress(Conflict):  # registered before an interruption
            write(
                registering.register,
                opening.CONSOLE,
                institutions[catalogue.NODES_OF],
                title,
                "127.0.0.1",
                name="dcmtk",
                may_query=True,
                may_retrieve=True,
            )


def _people(noted: dict[str, Any], alliance: int, institutions: dict[str, int]) -> dict[str, Actor]:
    """Open the accounts, with passwords of this installation's own; gives them by account."""
    known = {entry["account"]: entry for entry in noted["accounts"]}
    people = {}
    for person in catalogue.ACCOUNTS:
        institution = institutions.get(person.institution)
        entry = known.get(person.account) or {
            "account": person.account,
            "password": random_password(),
            "role": person.role,
            "institution": person.institution,
        }
        known[person.account] = entry
        # First the note, then the account: a password that nobody knows would be the worse half.
        notes.keep({**noted, "accounts": list(known.values())})
        with contextlib.suppress(Conflict):  # opened before an interruption
            entry["user"] = write(
                opening.open_account,
                opening.CONSOLE,
                person.account,
                person.name,
                entry["password"],
                Role(person.role),
                more_roles=[Role(role) for role in person.more_roles],
                institution_id=institution,
                alliance_id=alliance if person.role == Role.ALLIANCE_ADMIN else None,
                department_id=_department(institution, person.department),
                title=person.title,
                mobile=person.mobile,
                first_login=person.first_login,
            )
        for code, role in person.also:
            if entry.get("user"):
                write(
                    opening.add_place,
                    opening.CONSOLE,
                    entry["user"],
                    institutions[code],
                    [Role(role)],
                )
        people[person.account] = Actor(
            entry.get("user"), person.name, institution, PERMISSIONS[Role(person.role)]
        )
    noted["accounts"] = list(known.values())
    notes.keep(noted)
    return people


def _department(institution: int | None, name: str) -> int | None:
    if institution is None:
        return None
    return write(
        opening.open_department, opening.CONSOLE, institution, name, catalogue.DEPARTMENTS.get(name, "")
    )


def _gateway(institution: int) -> Actor:
    return Actor(None, "demo", institution, PERMISSIONS[Role.TECHNICIAN])


@dataclass(frozen=True, slots=True)
class _Made:
    """A data set as a file to take in."""

    data: pydicom.Dataset
    name: str = "demo"
    error: str = ""

    def open(self) -> BinaryIO:
        made = BytesIO()
        self.data.save_as(made, enforce_file_format=True)
        made.seek(0)
        return made


def _images(gateway: Actor, spec: catalogue.StudySpec, now: datetime) -> None:
    made: Iterator[_Made] = (_Made(data) for data in phantom.build(spec, now))
    for outcome in take_in(gateway, made):
        if outcome.kind is Kind.REFUSED:
            raise RuntimeError(f"the demo study {spec.key} was refused: {outcome.code}")


def _orders(session: Session, actor: Actor, spec: catalogue.StudySpec) -> None:
    """What a hospital's information system would have told: patient class and contrast are in no image."""
    session.execute(
        update(Study)
        .where(door.own(actor), col(Study.study_uid) == str(phantom.study_uid(spec)))
        .values(patient_class=spec.patient_class, contrast=spec.contrast or "")
    )
