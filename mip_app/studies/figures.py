"""How much an institution has: counts and bytes, nothing of any patient."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from mip_app.core.actor import Actor, Permission, needs
from mip_app.studies import door
from mip_app.studies.models import Instance, Study


@dataclass(frozen=True, slots=True)
class Figures:
    studies: int  # examined since the moment asked for
    bytes: int  # of all stored images


@needs(Permission.ADMIN_INSTITUTION)
def figures(session: Session, actor: Actor, since: datetime) -> Figures:
    """Of the actor's own institution."""
    studies = select(func.count(col(Study.id))).where(Study.studied_at >= since)
    stored = select(func.coalesce(func.sum(Instance.size), 0)).where(
        Instance.institution_id == actor.institution
    )
    return Figures(
        session.exec(door.within(studies, actor)).one(), int(session.exec(door.marked(stored)).one())
    )
