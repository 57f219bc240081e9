"""Three institutions in two alliances, each with everything one can ask for; and everybody who may ask."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from mip_app.accounts.models import (
    Alliance,
    ApiKey,
    Department,
    Institution,
    LoginSession,
    Membership,
    Role,
    User,
)
from mip_app.accounts.roles import API_CLIENT, OUTSIDE, PERMISSIONS
from mip_app.accounts.sessions import hash_of
from mip_app.core import database
from mip_app.core.actor import ADMINISTRATIVE, Actor, Open, Rule, Side
from mip_app.core.clock import utc_now
from mip_app.ingest.service import take_in
from mip_app.reports import holding, signing
from mip_app.reports.draft import Draft
from mip_app.studies.models import Patient, Study
from tests.images import Made, study
from tests.matrix.payloads import Ids

OWN, OTHER, ALIEN, ABSENT = "own", "other", "alien", "absent"
# Of the own alliance; of the own alliance; of another one; of nobody.
OWNERS = {OWN: 1, OTHER: 2, ALIEN: 3}
ALLIANCES = {OWN: 910_081, OTHER: 910_081, ALIEN: 910_083}


def number(kind: int, whose: str) -> int:
    """An id that is nothing else by chance: 910_201 is the own department."""
    return 910_000 + 100 * kind + OWNERS.get(whose, 9)


def uid(whose: str, part: int) -> str:
    return f"1.2.826.0.1.3680043.99.{OWNERS.get(whose, 9)}70707{part}"


def ids_of(whose: str) -> Ids:
    return Ids(
        whose,
        {
            "study": uid(whose, 1),
            "series": uid(whose, 2),
            "instance": uid(whose, 3),
            "institution": str(number(1, whose)),
            "alliance": str(ALLIANCES.get(whose, 910_089)),
            "department": str(number(2, whose)),
            "user": str(number(3, whose)),
            "membership": str(number(4, whose)),
            "session": str(number(5, whose)),
            "institution_code": f"HOUSE{whose.upper()}CODE",
            "account": f"house{whose}account",
        },
    )


def patient_marks(whose: str) -> list[str]:
    """What stands in the data of that institution's patients and nowhere else."""
    return [f"PATIENT{whose.upper()}", *(uid(whose, part) for part in (1, 2, 3))]


def house_marks(whose: str) -> list[str]:
    """What says that institution, its people, departments."""
    return [f"HOUSE{whose.upper()}", *(str(number(kind, whose)) for kind in range(1, 6))]


def found_in(text: str, marks: list[str]) -> list[str]:
    """Names in any case, numbers whole."""
    return [
        mark
        for mark in marks
        if re.search(rf"(?<![\w.]){re.escape(mark)}(?!\w|\.\d)" if mark[0].isdigit() else mark, text, re.I)
    ]


@dataclass(frozen=True)
class Persona:
    """Somebody who asks. `permissions` is what the sign-in has: of its side, and nothing while it is pending."""

    name: str
    role: Role | None = None
    side: Side = Side.WORK
    pending: str = ""
    signed_in: bool = True  # over HTTP
    key: bool = False  # by an API key, which opens no socket
    was: bool = False  # has a cookie that is worth nothing any more

    @property
    def permissions(self) -> set[str]:
        if self.key:
            return {str(one) for one in API_CLIENT}
        if self.role is None or self.pending or not self.signed_in:
            return set()
        admin = self.side is Side.ADMIN
        return {str(one) for one in PERMISSIONS[self.role] if (one in ADMINISTRATIVE) == admin}

    @property
    def inside(self) -> bool:
        return self.role not in OUTSIDE and (self.signed_in or self.key)

    def may(self, rule: Rule | None, *, socket: bool = False) -> bool:
        """What the declared rule alone says."""
        known = self.signed_in and not (self.key and (socket or isinstance(rule, Open)))
        if rule is None or rule is Open.TO_ALL:
            return rule is not None
        if rule is Open.TO_ENTERING:
            return known
        return known and not self.pending and (rule is Open.TO_SIGNED_IN or rule in self.permissions)

    def not_theirs(self) -> list[str]:
        """What must never be said to them."""
        patients = [mark for one in self.foreign_patients() for mark in patient_marks(one)]
        if (
            "audit.read" in self.permissions and self.inside
        ):  # a log names studies by their UIDs, patients never
            patients = [mark for mark in patients if not mark.startswith(uid(OWN, 0)[:-1])]
        houses = {Role.OPERATOR: [], Role.ALLIANCE_ADMIN: [ALIEN]}.get(self.role, self.foreign())  # type: ignore[arg-type]
        return patients + [mark for one in houses for mark in house_marks(one)]

    def foreign_patients(self) -> list[str]:
        return [OTHER, ALIEN] if "study.read" in self.permissions else [OWN, OTHER, ALIEN]

    def foreign(self) -> list[str]:
        """Whose things are, to them, as if they were not there."""
        if self.role is Role.OPERATOR:
            return []
        if self.role is Role.ALLIANCE_ADMIN:
            return [ALIEN]
        return [OTHER, ALIEN] if self.inside else [OWN, OTHER, ALIEN]

    def not_to_change(self) -> set[tuple[str, Any]]:
        """Rows that nothing they do may touch, nor whatever belongs to those."""
        if self.role in OUTSIDE:
            with database.engine(read_only=True).connect() as connection:
                tables = (Patient.__table__, Study.__table__)  # type: ignore[attr-defined]
                seeds = {(t.name, row.id) for t in tables for row in connection.execute(t.select())}
            if self.role is Role.OPERATOR:
                return seeds
            return seeds | {("institution", number(1, ALIEN)), ("alliance", ALLIANCES[ALIEN])}
        foreign = {("institution", number(1, one)) for one in (OTHER, ALIEN)}
        return foreign | {("alliance", ALLIANCES[ALIEN])}


PERSONAS = (
    Persona("operator", Role.OPERATOR, Side.ADMIN),
    Persona("alliance_admin", Role.ALLIANCE_ADMIN, Side.ADMIN),
    Persona("institution_admin", Role.INSTITUTION_ADMIN, Side.ADMIN),
    Persona("institution_admin_at_work", Role.INSTITUTION_ADMIN),
    Persona("reporter", Role.REPORTER),
    Persona("reviewer", Role.REVIEWER),
    Persona("consultation_reviewer", Role.CONSULTATION_REVIEWER),
    Persona("clinician", Role.CLINICIAN),
    Persona("technician", Role.TECHNICIAN),
    Persona("auditor", Role.AUDITOR, Side.ADMIN),
    Persona("without_roles"),
    Persona("first_login", Role.REPORTER, pending="phone"),
    Persona("nobody", signed_in=False),
    Persona("api_key", key=True),
    Persona("disabled", Role.REVIEWER, signed_in=False, was=True),
)


def secret_of(name: str) -> str:
    return f"matrix-secret-of-{name}"


def fill() -> None:
    """Everything, into the installation at hand."""
    with Session(database.engine()) as session:
        for row in _houses():
            session.add(row)
            session.flush()  # in this order: rows refer to the ones before
        for place, persona in enumerate(PERSONAS):
            for row in _of_persona(persona, 920_000 + place):
                session.add(row)
                session.flush()
        session.commit()
    for whose in OWNERS:
        _study(whose)


def _houses() -> list[Any]:
    now = utc_now()
    rows: list[Any] = [
        Alliance(id=ALLIANCES[whose], name=f"{'ALLIANCE'}{ALLIANCES[whose]}") for whose in (OWN, ALIEN)
    ]
    for whose in OWNERS:
        house, here = f"HOUSE{whose.upper()}", number(1, whose)
        rows += [
            Institution(
                id=here, alliance_id=ALLIANCES[whose], code=f"{house}CODE", name=f"{house} 医院",
                address=f"{house} address", phone=f"{house} phone",
            ),
            Department(id=number(2, whose), institution_id=here, name=f"{house} 放射科"),
            _user(number(3, whose), f"house{whose}account", f"{house} 医师"),
            Membership(
                id=number(4, whose), user_id=number(3, whose), institution_id=here,
                department_id=number(2, whose), roles=[Role.REVIEWER],
            ),
            _session(number(5, whose), number(4, whose), number(3, whose), f"{whose}-colleague", Side.WORK),
            ApiKey(institution_id=here, name=f"{house} key", key_hash=hash_of(secret_of(f"key-{whose}")), created_at=now),
        ]  # fmt: skip
    return rows


def _user(key: int, account: str, name: str, **more: Any) -> User:
    return User(id=key, account=account, name=name, password_hash="none", created_at=utc_now(), **more)


def _session(key: int, membership: int, user: int, secret: str, side: Side) -> LoginSession:
    now = utc_now()
    return LoginSession(
        id=key, token_hash=hash_of(secret_of(secret)), membership_id=membership, user_id=user, side=side,
        created_at=now, last_seen_at=now, expires_at=now + timedelta(hours=8),
    )  # fmt: skip


def _of_persona(persona: Persona, key: int) -> list[Any]:
    if persona.key or persona.name == "nobody":
        return []
    inside = persona.role not in OUTSIDE
    return [
        _user(
            key, f"persona-{persona.name}", f"persona {persona.name}",
            disabled=persona.was, first_login=bool(persona.pending),
        ),
        Membership(
            id=key, user_id=key, roles=[persona.role] if persona.role else [],
            institution_id=number(1, OWN) if inside else None,
            alliance_id=ALLIANCES[OWN] if persona.role is Role.ALLIANCE_ADMIN else None,
            department_id=number(2, OWN) if inside else None,
        ),
        _session(key, key, key, persona.name, persona.side),
    ]  # fmt: skip


def _study(whose: str) -> None:
    """A study with a signed and reviewed report."""
    here = number(1, whose)
    everything = frozenset(PERMISSIONS[Role.REVIEWER])
    doctor = Actor(number(3, whose), f"HOUSE{whose.upper()} 医师", here, everything)
    outcomes = list(take_in(doctor, [image(whose)]))
    assert [outcome.kind for outcome in outcomes] == ["stored"], outcomes
    text = (f"PATIENT{whose.upper()} findings", f"PATIENT{whose.upper()} impression")
    for verb in (signing.sign, signing.review):
        taken = database.write(holding.take, doctor, Draft(uid(whose, 1)))
        draft = Draft(uid(whose, 1), taken.fence, taken.revision, *text, with_text=True)
        assert database.write(verb, doctor, draft).ok


def image(whose: str) -> Made:
    marks = f"PATIENT{whose.upper()}"
    (data,) = study(f"{marks}^X", patient_id=f"{marks}ID", slices=1, AccessionNumber=f"{marks}AC"[:16])
    data.StudyInstanceUID, data.SeriesInstanceUID = uid(whose, 1), uid(whose, 2)
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid(whose, 3)
    data.StudyDescription = data.SeriesDescription = f"{marks} description"
    return Made(data)
