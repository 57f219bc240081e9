"""Who was behind a cookie or a key a moment ago, for what is asked a thousand times in a row.

Nobody is remembered longer than a second, so that what another process revokes counts within that. What this process
writes about people, places or keys, and what the bus says of a sign-in, is forgotten at once.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from mip_app.accounts.models import Alliance, ApiKey, Institution, LoginSession, Membership, RoleSet, User
from mip_app.core import bus
from mip_app.core.actor import Actor
from mip_app.core.keeping import Believed

TELLING = frozenset({Alliance, ApiKey, Institution, LoginSession, Membership, RoleSet, User})
CHANGES = "mip_who_changes"

# By the hash of the secret, and the address.
remembered: Believed[tuple[str, str], Actor] = Believed(1.0, 4096)


def _hear(topic: str) -> None:
    if topic.startswith(bus.SESSION):
        remembered.forget()


bus.hear(_hear)


@event.listens_for(Session, "do_orm_execute")
def _statement(state: ORMExecuteState) -> None:
    if not state.is_select and {mapper.class_ for mapper in state.all_mappers} & TELLING:
        state.session.info[CHANGES] = True


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: Any) -> None:
    changed: Iterable[object] = (*session.new, *session.dirty, *session.deleted)
    if any(type(one) in TELLING for one in changed):
        session.info[CHANGES] = True


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    if session.info.pop(CHANGES, False):
        remembered.forget()


@event.listens_for(Session, "after_rollback")
def _rolled_back(session: Session) -> None:
    session.info.pop(CHANGES, None)
