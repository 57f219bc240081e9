"""What a person chose for a page; their own alone."""

from sqlmodel import Session

from mip_app.accounts.models import Preference
from mip_app.core.actor import Actor, Open, needs


@needs(Open.TO_SIGNED_IN)
def preference(session: Session, actor: Actor, key: str) -> dict[str, object]:
    """What the actor chose under `key`; {} when nothing. Raises NotPermitted for API clients."""
    row = session.get(Preference, (actor.user, key))
    return dict(row.value) if row else {}


@needs(Open.TO_SIGNED_IN)
def prefer(session: Session, actor: Actor, key: str, value: dict[str, object]) -> None:
    """Remember `value` under `key`. Raises NotPermitted for API clients."""
    session.merge(Preference(user_id=actor.user, key=key, value=value))
