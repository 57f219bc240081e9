"""Writing the audit trail."""

from sqlmodel import Session

from mip_app.audit.models import Act, AuditEntry
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now


def record(
    session: Session, actor: Actor, act: Act, subject: str = "", *, refused: bool = False, **detail: object
) -> None:
    """Add an entry in the transaction of the act itself: both happen or neither."""
    session.add(
        AuditEntry(
            at=utc_now(),
            institution_id=actor.institution_id,
            user_id=actor.user_id,
            actor=actor.name,
            address=actor.address,
            act=act,
            subject=subject,
            refused=refused,
            detail=detail,
        )
    )
