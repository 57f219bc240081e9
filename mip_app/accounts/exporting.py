"""The list of doctors to take away."""

from sqlmodel import Session

from mip_app.accounts import doctors, importing, lists
from mip_app.accounts.doctors import Asked, Doctor
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.texts import words


@needs(Permission.ADMIN_ACCOUNTS)
def exported(session: Session, actor: Actor, asked: Asked, form: str, language: str) -> bytes:
    """Those the filters find, phones masked, as CSV or XLSX; the audit knows how many went out."""
    people = doctors.everybody(session, actor, asked)
    head = [
        *importing.heads(language),
        *(words(f"doctor.{name}", in_language=language) for name in ("state", "last")),
    ]
    audit.record(session, actor, Act.USERS_EXPORTED, people=len(people), form=form)
    return lists.written([head, *(_line(person, language) for person in people)], form)


def _line(person: Doctor, language: str) -> list[str]:
    roles = (
        role["name"] or words(f"role.{role['key']}", in_language=language, fallback=role["key"])
        for role in person["roles"]
    )
    return [
        person["account"],
        person["name"],
        person["title"],
        person["department"],
        ("、" if language == "zh" else ", ").join(roles),
        person["phone"],
        words(f"doctor.state_{person['state']}", in_language=language),
        person["last"],
    ]
