"""Messages that wait: put in by services, taken out by the relay or read by the operator."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.sealing import seal, unseal
from mip_app.messages.models import OutboxMessage, Template

TOPIC = "messages"
KEEP = timedelta(days=7)  # how long what was done with each message can be looked up

_PURPOSE = "outbox"


@dataclass(frozen=True, slots=True)
class Waiting:
    id: str
    template: Template
    created_at: datetime
    expires_at: datetime
    phone: str = field(repr=False)
    parameters: list[str] = field(repr=False)
    attempts: int = 0


def put(
    session: Session, phone: str, template: Template, parameters: list[str], expires_at: datetime
) -> None:
    """Send it once this transaction is committed. '' as phone: the same work, and nobody is told."""
    now, key = utc_now(), secrets.token_hex(16)
    session.add(
        OutboxMessage(
            id=key,
            template=template,
            phone=seal(phone, _PURPOSE, key),
            parameters=seal(json.dumps(parameters), _PURPOSE, key) if phone else "",
            created_at=now,
            expires_at=expires_at,
            due_at=now if phone else None,
        )
    )
    bus.touch(session, TOPIC)


@needs(Permission.ADMIN_ALLIANCES)
def waiting(session: Session, actor: Actor) -> list[Waiting]:
    """For the operator's console: what is not sent and not too late, newest first."""
    rows = session.exec(
        select(OutboxMessage)
        .where(col(OutboxMessage.due_at).is_not(None), OutboxMessage.expires_at > utc_now())
        .order_by(col(OutboxMessage.created_at).desc())
    )
    return [opened(row) for row in rows]


def opened(row: OutboxMessage) -> Waiting:
    phone, parameters = unseal(row.phone, _PURPOSE, row.id), unseal(row.parameters, _PURPOSE, row.id)
    return Waiting(
        row.id,
        Template(row.template),
        row.created_at,
        row.expires_at,
        phone,
        json.loads(parameters),
        row.attempts,
    )


def wipe_late(session: Session) -> int:
    """What is too late is not sent any more; how many that were. Rows older than a week go."""
    now = utc_now()
    session.execute(delete(OutboxMessage).where(col(OutboxMessage.created_at) < now - KEEP))
    late = session.execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.due_at).is_not(None), col(OutboxMessage.expires_at) <= now)
        .values(due_at=None, phone="", parameters="")
        .returning(col(OutboxMessage.id))
    )
    return len(late.all())
