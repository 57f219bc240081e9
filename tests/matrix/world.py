"""Three institutions in two alliances, each with everything one can ask for; and everybody who may ask."""

import io
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from sqlmodel import Session, select

from mip_app.accounts import phones, portraits
from mip_app.accounts.models import (
    Alliance,
    ApiKey,
    Department,
    ImportDraft,
    Institution,
    KnownDevice,
    LoginSession,
    Membership,
    Preference,
    Role,
    RoleSet,
    User,
)
from mip_app.accounts.recognising import hash_of
from mip_app.accounts.roles import API_CLIENT, OUTSIDE, PERMISSIONS
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import database
from mip_app.core.actor import ADMINISTRATIVE, Actor, Open, Rule, Side
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.sealing import seal
from mip_app.dimse.models import Node
from mip_app.ingest.service import take_in
from mip_app.jobs.models import Job, JobPart, JobState
from mip_app.messages.models import OutboxMessage, Template
from mip_app.reports import holding, signing
from mip_app.reports.draft import Draft
from mip_app.sign_in.models import (
    ExternalIdentity,
    FollowScene,
    OfficialAccount,
    PhoneCode,
    Provider,
    QrSignIn,
)
from mip_app.studies import door
from mip_app.studies.models import Instance, Patient, PatientConflict, SetAside, Study, StudyErasure
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


def draft_key(whose: str) -> str:
    return f"draftof{whose}"


def role_code(whose: str) -> str:
    return f"own-house{whose}"


def upload_token(whose: str) -> str:
    return f"{OWNERS.get(whose, 9)}0a" * 10 + "0f"


def phone_of(whose: str) -> str:
    return f"1391007000{OWNERS.get(whose, 9)}"


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
            "import_draft": draft_key(whose),
            "role_set": role_code(whose),
            "node": str(number(6, whose)),
            "job": str(number(7, whose)),
            "aside": str(number(9, whose)),
            "upload": upload_token(whose),
        },
    )


def patient_marks(whose: str) -> list[str]:
    """What stands in the data of that institution's patients and nowhere else."""
    return [f"PATIENT{whose.upper()}", *(uid(whose, part) for part in (1, 2, 3))]


def house_marks(whose: str) -> list[str]:
    """What says that institution, its people, departments, roles; of another alliance that, too."""
    alliance = [f"ALLIANCE{ALLIANCES[ALIEN]}"] if whose == ALIEN else []
    numbers = (str(number(kind, whose)) for kind in range(1, 8))
    tokens = (draft_key(whose), upload_token(whose))
    return [f"HOUSE{whose.upper()}", phone_of(whose), *tokens, *numbers, *alliance]


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
    elsewhere: bool = False  # is somebody of the other institution, too, and acts for the own one

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
        if "audit.read" in self.permissions and self.inside:
            # A log names studies by UID, accession number and patient ID; never the patient, never what was found.
            patients = [mark for mark in patients if mark not in patient_marks(OWN)]
            hidden = [" findings", " impression"]
            if "admin.data" not in self.permissions:
                hidden += ["^", " X", " desc"]
            patients += [f"PATIENT{OWN.upper()}{word}" for word in hidden]
        houses = {Role.OPERATOR: [], Role.ALLIANCE_ADMIN: [ALIEN]}.get(self.role, self.foreign())  # type: ignore[arg-type]
        return patients + [mark for one in houses for mark in house_marks(one)]

    def known(self) -> str:
        """The one thing of another institution that is said to them: that they belong to it."""
        return house_name(OTHER) if self.elsewhere else ""

    def foreign_patients(self) -> list[str]:
        # Who looks after the own institution's data is shown whom it names (docs/decisions/0021).
        seeing = {"study.read", "admin.data"} & self.permissions
        return [OTHER, ALIEN] if seeing else [OWN, OTHER, ALIEN]

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
    Persona("of_two_institutions", Role.REVIEWER, elsewhere=True),
    Persona("admin_of_two_institutions", Role.INSTITUTION_ADMIN, Side.ADMIN, elsewhere=True),
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
        for alliance in set(ALLIANCES.values()):
            audit.record(session, _tell_of(alliance), Act.ALLIANCE_CHANGED, f"alliance:{alliance}")
        session.commit()
    for whose in OWNERS:
        _study(whose)
        _to_decide(whose)
        _upload(whose)


def _houses() -> list[Any]:
    now = utc_now()
    rows: list[Any] = [
        Alliance(id=ALLIANCES[whose], name=f"{'ALLIANCE'}{ALLIANCES[whose]}") for whose in (OWN, ALIEN)
    ]
    for whose in OWNERS:
        house, here = f"HOUSE{whose.upper()}", number(1, whose)
        rows += [
            Institution(
                id=here, alliance_id=ALLIANCES[whose], code=f"{house}CODE", name=house_name(whose),
                address=f"{house} address", phone=f"{house} phone",
            ),
            Department(id=number(2, whose), institution_id=here, name=f"{house} 放射科"),
            RoleSet(
                institution_id=here, code=role_code(whose), name=f"{house} role", permissions=["study.read"]
            ),
            _user(
                number(3, whose), f"house{whose}account", f"{house} 医师", title=f"{house} 主任",
                phone=phones.sealed(phone_of(whose), number(3, whose)), phone_index=phones.index_of(phone_of(whose)),
                phone_verified_at=now, avatar=picture(), signature=picture(),
            ),
            Membership(
                id=number(4, whose), user_id=number(3, whose), institution_id=here,
                department_id=number(2, whose), roles=[Role.REVIEWER, role_code(whose)],
            ),
            _session(number(5, whose), number(4, whose), number(3, whose), f"{whose}-colleague", Side.WORK),
            ApiKey(institution_id=here, name=f"{house} key", key_hash=hash_of(secret_of(f"key-{whose}")), created_at=now),
            *_passing(whose, now),
        ]  # fmt: skip
    return rows


def _passing(whose: str, now: datetime) -> list[Any]:
    """What signing in, taking over lists and sending messages leave behind."""
    house, here, person = f"HOUSE{whose.upper()}", number(1, whose), number(3, whose)
    soon, secret = now + timedelta(hours=8), secret_of(f"of-{whose}")
    lines = json.dumps(
        [[2, {"account": f"new{whose}", "name": f"{house} 新", "department": f"{house} 放射科"}]]
    )
    return [
        ImportDraft(
            id=draft_key(whose), institution_id=here, user_id=person, created_at=now, expires_at=soon,
            lines=seal(lines, "import.lines", draft_key(whose)),
        ),
        Preference(user_id=person, key="list", value={"of": house}),
        OfficialAccount(
            institution_id=here, name=f"{house} WeChat", app_id=f"wx{OWNERS[whose]:016}",
            secret=seal(secret, "official_account.secret", here), token=seal(f"token{whose}", "official_account.token", here),
        ),
        ExternalIdentity(
            provider=Provider.WECHAT, subject=f"app:{house}", user_id=person, bound_at=now, bound_by=person
        ),
        Node(
            id=number(6, whose), institution_id=here, name=f"{house} CT", ae_title=f"HOUSE{whose.upper()}"[:16],
            address=f"192.0.2.{OWNERS[whose]}",
        ),
        Job(
            id=number(7, whose), kind="dimse.send", user_id=person, institution_id=here, state=JobState.FAILED,
            payload={"study": uid(whose, 1), "series": [], "node": number(6, whose), "name": f"{house} CT"},
            next_at=now, created_at=now, ended_at=now, error="dimse.unreachable",
        ),
        JobPart(job_id=number(7, whose), key=uid(whose, 3), error="dimse.peer_full"),
        KnownDevice(user_id=person, token_hash=hash_of(secret), last_at=now),
        QrSignIn(
            code_hash=hash_of(f"qr-{secret}"), browser_hash=hash_of(secret), device=f"{house} browser",
            address=f"{house}", created_at=now, expires_at=soon, session_id=number(5, whose),
        ),
        FollowScene(
            scene_hash=hash_of(secret), institution_id=here, user_id=person, session_id=number(5, whose),
            created_at=now, expires_at=soon,
        ),
        PhoneCode(
            id=f"code{whose}", purpose="forgot", user_id=person, code_hash="none", created_at=now, expires_at=soon,
            phone=seal(phone_of(whose), "code.phone", f"code{whose}"),
        ),
        OutboxMessage(
            id=f"message{whose}", template=Template.CODE_FORGOT, created_at=now, expires_at=soon,
            phone=seal(phone_of(whose), "outbox", f"message{whose}"),
        ),
    ]  # fmt: skip


def house_name(whose: str) -> str:
    return f"HOUSE{whose.upper()} 医院"


def picture() -> str:
    """A blob of a picture; its key."""
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(drawn, "PNG")
    return portraits.stored(drawn.getvalue())


def _tell_of(alliance: int) -> Actor:
    return Actor(None, f"ALLIANCE{alliance} administrator", None, frozenset(), alliance_id=alliance)


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
        *(
            [
                Membership(
                    id=key + 1000, user_id=key, roles=[persona.role], institution_id=number(1, OTHER),
                    department_id=number(2, OTHER),
                )
            ]
            if persona.elsewhere
            else []
        ),
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


def _to_decide(whose: str) -> None:
    """A patient in conflict, a file set aside and a deletion asked for: what data maintenance shows."""
    here, marks, now = number(1, whose), f"PATIENT{whose.upper()}", utc_now()
    with Session(database.engine()) as session:
        patient = session.exec(door.marked(select(Patient).where(Patient.institution_id == here))).one()
        kept = session.exec(door.marked(select(Instance).where(Instance.institution_id == here))).one()
        other = Patient(
            institution_id=here,
            patient_id=f"{marks}ID",
            variant=1,
            name=f"{marks} other",
            person_name=f"{marks}^other",
        )
        session.add(other)
        session.flush()
        session.add_all(
            [
                PatientConflict(
                    id=number(7, whose), institution_id=here, patient_pk=patient.id or 0, other_pk=other.id or 0,
                    arrived_at=now,
                ),
                SetAside(
                    id=number(9, whose), institution_id=here, sop_instance_uid=uid(whose, 3), sha256="0" * 64,
                    blob=kept.blob, reason="ingest.other_bytes", received_at=now,
                ),
                StudyErasure(
                    id=number(8, whose), institution_id=here, study_uid=uid(whose, 1), reason=f"{marks} reason",
                    asked_at=now, asked_by_id=number(3, whose), asked_by=f"HOUSE{whose.upper()} 医师",
                ),
            ]
        )  # fmt: skip
        session.commit()


def _upload(whose: str) -> None:
    """One that waits to go on: its colleague's, nobody else's."""
    for path in uploads(whose):
        about = {"whose": [number(1, whose), number(3, whose), ""], "name": f"HOUSE{whose.upper()}.dcm"}
        path.write_text(json.dumps(about | {"length": 4}) if path.suffix == ".json" else "")


def uploads(whose: str) -> list[Path]:
    """The files it consists of."""
    return [blobs().incoming / f"{upload_token(whose)}{ending}" for ending in (".part", ".json")]


def image(whose: str) -> Made:
    marks = f"PATIENT{whose.upper()}"
    (data,) = study(f"{marks}^X", patient_id=f"{marks}ID", slices=1, AccessionNumber=f"{marks}AC"[:16])
    data.StudyInstanceUID, data.SeriesInstanceUID = uid(whose, 1), uid(whose, 2)
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid(whose, 3)
    data.StudyDescription = data.SeriesDescription = f"{marks} description"
    return Made(data)
