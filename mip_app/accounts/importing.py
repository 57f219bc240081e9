"""Taking over a list of people: kept as a draft, looked through, then taken in whole or not at all."""

import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import TypedDict

from sqlalchemy import delete
from sqlmodel import Session, col, select

from mip_app.accounts import checking, departments, doctors, lists, particulars, phones, staffing
from mip_app.accounts.checking import Entry, Known, Reason
from mip_app.accounts.entries import plain
from mip_app.accounts.models import Department, ImportDraft, User
from mip_app.accounts.particulars import Particulars
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotVisible
from mip_app.core.sealing import seal, unseal
from mip_app.core.texts import words

KEPT_FOR = timedelta(days=1)
SHOWN = 50  # of the good lines; all of the bad ones
_LINES, _PASSWORDS = "import.lines", "import.passwords"


class Gone(NotVisible):
    code = "import.gone"


class ImportChanged(Conflict):
    code = "import.changed"


class ImportLine(TypedDict):
    number: int
    account: str
    name: str
    title: str
    department: str
    roles: str
    phone: str
    reasons: list[Reason]


class Preview(TypedDict):
    good: int
    bad: int
    bad_lines: list[ImportLine]
    good_lines: list[ImportLine]  # the first of them
    new_departments: list[str]
    imported: int
    done: bool
    passwords: bool  # are there to be taken


@needs(Permission.ADMIN_ACCOUNTS)
def keep(session: Session, actor: Actor, lines: Sequence[lists.Line]) -> str:
    """Keep an uploaded list for a day; gives the draft's id. Raises NoColumns."""
    entries = checking.named(lines)
    now = utc_now()
    session.execute(delete(ImportDraft).where(col(ImportDraft.expires_at) < now))
    key = secrets.token_urlsafe(24)
    packed = json.dumps([[entry.number, entry.cells] for entry in entries], ensure_ascii=False)
    session.add(
        ImportDraft(
            id=key,
            institution_id=actor.institution,
            user_id=actor.user,
            lines=seal(packed, _LINES, key),
            created_at=now,
            expires_at=now + KEPT_FOR,
        )
    )
    return key


@needs(Permission.ADMIN_ACCOUNTS)
def preview(session: Session, actor: Actor, key: str, create_departments: bool = False) -> Preview:
    """Every bad line with its reasons, as of now. Raises Gone."""
    draft = _draft(session, actor, key)
    entries = [] if draft.done_at else _checked(session, actor, draft, create_departments)
    bad = [entry for entry in entries if entry.reasons]
    good = [entry for entry in entries if not entry.reasons]
    known = {*_departments(session, actor), *_departments(session, actor, disabled=True)}
    named = (plain(entry.cells.get("department", "")) for entry in entries)
    new = {name.lower(): name for name in named if name and name.lower() not in known}
    return Preview(
        good=len(good),
        bad=len(bad),
        bad_lines=[_shown(entry) for entry in bad],
        good_lines=[_shown(entry) for entry in good[:SHOWN]],
        new_departments=[name for name in new.values() if len(name) <= particulars.DEPARTMENT],
        imported=draft.imported,
        done=draft.done_at is not None,
        passwords=bool(draft.passwords),
    )


@needs(Permission.ADMIN_ACCOUNTS)
def take_in(
    session: Session,
    actor: Actor,
    key: str,
    initial: Sequence[tuple[str, str]],
    create_departments: bool = False,
) -> int:
    """The good lines become people; `initial` are as many passwords with their hashes, made beforehand.

    Raises Gone, ImportChanged when it was done already or more lines are good now than were counted.
    """
    draft = _draft(session, actor, key, lock=True)
    if draft.done_at:
        raise ImportChanged()
    entries = [e for e in _checked(session, actor, draft, create_departments) if not e.reasons]
    if not entries or len(entries) > len(initial):
        raise ImportChanged()
    places = _places(session, actor, entries)
    handed = []
    for entry, (password, password_hash) in zip(entries, initial, strict=False):
        given = Particulars(
            entry.name,
            entry.title,
            places.get(entry.department.lower(), ""),
            entry.phone,
            tuple(entry.roles),
        )
        staffing.add_checked(session, actor, entry.account, given, password_hash)
        handed.append([entry.account, entry.name, password])
    draft.passwords = seal(json.dumps(handed, ensure_ascii=False), _PASSWORDS, key)
    draft.imported, draft.done_at, draft.lines = len(handed), utc_now(), ""
    audit.record(session, actor, Act.USERS_IMPORTED, people=len(handed))
    return len(handed)


@needs(Permission.ADMIN_ACCOUNTS)
def hand_out_passwords(session: Session, actor: Actor, key: str, form: str, language: str) -> bytes:
    """The initial passwords as a file, once; then nobody knows them but who has the file. Raises Gone."""
    draft = _draft(session, actor, key, lock=True)
    if not draft.passwords:
        raise Gone("import.passwords_gone")
    rows = json.loads(unseal(draft.passwords, _PASSWORDS, key))
    draft.passwords = ""
    audit.record(session, actor, Act.USER_PASSWORDS_TAKEN, people=len(rows))
    head = [words(f"doctor.{name}", in_language=language) for name in ("account", "name", "password")]
    return lists.written([head, *rows], form)


@needs(Permission.ADMIN_ACCOUNTS)
def bad_lines(
    session: Session, actor: Actor, key: str, form: str, language: str, create_departments: bool = False
) -> bytes:
    """The lines that are not taken, each with its reasons, to be mended and uploaded again. Raises Gone."""
    draft = _draft(session, actor, key)
    entries = [] if draft.done_at else _checked(session, actor, draft, create_departments)
    rows = [
        [*(entry.cells.get(name, "") for name in checking.COLUMNS), _said(entry, language)]
        for entry in entries
        if entry.reasons
    ]
    return lists.written([[*heads(language), words("import.reason", in_language=language)], *rows], form)


@needs(Permission.ADMIN_ACCOUNTS)
def template(session: Session, actor: Actor, form: str, language: str) -> bytes:
    """An empty list with its head and one line that shows how it is filled."""
    example = [words(f"import.example_{name}", in_language=language) for name in checking.COLUMNS]
    return lists.written([heads(language), example], form)


def heads(language: str) -> list[str]:
    return [words(f"doctor.{name}", in_language=language) for name in checking.COLUMNS]


def _draft(session: Session, actor: Actor, key: str, *, lock: bool = False) -> ImportDraft:
    statement = select(ImportDraft).where(
        ImportDraft.id == str(key)[:100],
        ImportDraft.institution_id == actor.institution,
        ImportDraft.user_id == actor.user,
        col(ImportDraft.expires_at) > utc_now(),
    )
    found = session.exec(statement.with_for_update() if lock else statement).one_or_none()
    if found is None:
        raise Gone()
    return found


def _checked(session: Session, actor: Actor, draft: ImportDraft, create_departments: bool) -> list[Entry]:
    kept = json.loads(unseal(draft.lines, _LINES, draft.id))
    entries = [Entry(number, cells) for number, cells in kept]
    asked = [plain(entry.cells.get("account", "")).lower() for entry in entries]
    numbers = [phones.normalised(plain(entry.cells.get("phone", ""))) for entry in entries]
    taken = (
        account
        for at in range(0, len(asked), 500)
        for account in session.exec(select(User.account).where(col(User.account).in_(asked[at : at + 500])))
    )
    known = Known(
        departments=_departments(session, actor),
        disabled_departments=frozenset(_departments(session, actor, disabled=True)),
        own_roles=doctors.own_role_names(session, actor),
        accounts=frozenset(taken),
        phones=frozenset(staffing.taken_phones(session, actor, numbers)),
    )
    checking.check(entries, known, create_departments)
    return entries


def _departments(session: Session, actor: Actor, *, disabled: bool = False) -> dict[str, int]:
    rows = session.execute(
        select(Department.name, Department.id).where(
            Department.institution_id == actor.institution, col(Department.disabled).is_(disabled)
        )
    )
    return {name.lower(): key or 0 for name, key in rows}


def _places(session: Session, actor: Actor, entries: Sequence[Entry]) -> dict[str, str]:
    """The numbers of the departments by name; those that are missing are added."""
    known = {name: str(key) for name, key in _departments(session, actor).items()}
    for entry in entries:
        name = entry.department
        if name and name.lower() not in known:
            known[name.lower()] = str(departments.add(session, actor, name))
    return known


def _shown(entry: Entry) -> ImportLine:
    cells = entry.cells
    return ImportLine(
        number=entry.number,
        account=cells.get("account", "")[:60],
        name=cells.get("name", "")[:60],
        title=cells.get("title", "")[:40],
        department=cells.get("department", "")[:60],
        roles=cells.get("roles", "")[:80],
        phone=phones.masked(entry.phone) if entry.phone else cells.get("phone", "")[:20],
        reasons=entry.reasons,
    )


def _said(entry: Entry, language: str) -> str:
    return "；".join(words(r["code"], {"value": r["value"], "n": r["n"]}, language) for r in entry.reasons)
