"""Looking is written down once: opening a study fetches a thousand frames, and is one act.

Kept in the memory of a process: after a restart, and in a second process, the same look is written once more.
"""

from threading import Lock
from time import monotonic

from mip_app.core.actor import Actor

WINDOW = 15 * 60.0  # seconds in which the same person at the same thing is the same look
MOST = 50_000

_since: dict[tuple[object, ...], float] = {}
_lock = Lock()


def begins(actor: Actor, what: str, within: float = WINDOW) -> bool:
    """Whether this is a look of its own, to be written down now."""
    key, now = _key(actor, what), monotonic()
    with _lock:
        before = _since.pop(key, None)
        fresh = before is None or now - before > within
        _since[key] = now if fresh or before is None else before  # what is used stands last
        if len(_since) > MOST:
            for old in list(_since)[: MOST // 10]:
                del _since[old]
    return fresh


def forget(actor: Actor, what: str) -> None:
    """It could not be written down: the next one is the first."""
    with _lock:
        _since.pop(_key(actor, what), None)


def forget_all() -> None:
    with _lock:
        _since.clear()


def _key(actor: Actor, what: str) -> tuple[object, ...]:
    return (actor.institution_id, actor.session_id, actor.user_id, actor.name, what)
