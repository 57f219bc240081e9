"""Writing the audit trail."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session

from mip_app.audit import chain
from mip_app.audit.models import Act, AuditEntry, Result
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.prepared import Prepared

PLATFORM = "p"
_ENTRIES = AuditEntry.__table__  # type: ignore[attr-defined]
# Images come in faster than objects are made.
_ADD = Prepared(insert(_ENTRIES), [column.name for column in _ENTRIES.columns if column.name != "id"])


def scope_of(actor: Actor) -> str:
    """Whose log an actor's acts stand in, and which log they may read: the institution's before the alliance's."""
    if actor.institution_id is not None:
        return institution_scope(actor.institution_id)
    return f"a:{actor.alliance_id}" if actor.alliance_id is not None else PLATFORM


def institution_scope(institution_id: int) -> str:
    return f"i:{institution_id}"


def record(
    session: Session,
    actor: Actor,
    act: Act,
    subject: str = "",
    *,
    refused: bool = False,
    failed: bool = False,
    scope: str = "",
    **detail: object,
) -> None:
    """Add an entry in the transaction of the act itself: both happen or neither.

    `scope` only where the actor does not say whose log it is: a refused sign-in is nobody's act.
    """
    values: dict[str, Any] = {
        "scope": scope or scope_of(actor),
        "institution_id": actor.institution_id,
        "user_id": actor.user_id,
        "actor": actor.name,
        "address": actor.address,
        "act": act,
        "subject": subject,
        "result": Result.REFUSED if refused else Result.FAILED if failed else Result.DONE,
    }
    at = utc_now()
    kept = json.loads(json.dumps(detail, default=str)) if detail else {}
    mark = chain.mark_of(chain.canonical(at, values, kept))
    _ADD.run(session, {"at": at, "detail": kept, "mark": mark, **values})


def record_refusal(session: Session, actor: Actor, act: Act, subject: str) -> None:
    """For a unit of work that is about to fail: what it was refused is written after it was rolled back.

    Whoever asks gets no other answer, and waits no longer where there is nothing than where they may not look.
    """
    after_failure(session, actor, partial(_refused, act=act, subject=subject))


def after_failure(session: Session, actor: Actor, note: Callable[[Session, Actor], None]) -> None:
    """Write this in a unit of its own, when the one that is running has failed."""
    session.info.setdefault("after_failure", []).append((note, actor))


def _refused(session: Session, actor: Actor, act: Act, subject: str) -> None:
    record(session, actor, act, subject, refused=True)
