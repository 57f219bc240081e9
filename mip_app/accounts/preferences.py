"""What a person chose for a page; their own alone."""

from sqlmodel import Session

from mip_app.accounts.models import Preference
from mip_app.core.actor import Actor, Open, needs
from mip_app.core.errors import NotPermitted


@needs(Open.TO_SIGNED_IN)
def preference(session: Session, actor: Actor, key: str) -> dict[str, object]:
    """What the actor chose under `key`; {} when nothing, and for API clients."""
    row = session.get(Preference, (actor.user_id, key)) if actor.user_id else None
    return dict(row.value) if row else {}


@needs(Open.TO_SIGNED_IN)
def prefer(session: Session, actor: Actor, key: str, value: dict[str, object]) -> None:
    """Remember `value` under `key`. Raises NotPermitted for API clients."""
    if actor.user_id is None:
        raise NotPermitted()
    session.merge(Preference(user_id=actor.user_id, key=key, value=value))
