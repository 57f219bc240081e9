"""Which kinds of jobs there are, and what a handler of one gets and may raise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mip_app.core.actor import Actor, Permission
from mip_app.core.errors import MipError


class TryAgain(MipError):
    """What failed may succeed later: the job waits, longer each time, and fails for good after its attempts."""


class Stopped(Exception):
    """The job is not this process's any more: cancelled, taken up by another, or the process ends. Let it through."""


class Running(Protocol):
    """A job while it runs. Its handler may run twice: what it does twice must be as if done once."""

    id: int
    payload: dict[str, object]
    actor: Actor  # who asked, with what they may now

    def parts(self) -> dict[str, str]:
        """The parts tried so far, in this run and before: their keys, each with its error or ''."""

    def note(self, tried: dict[str, str], total: int) -> None:
        """Write down parts (key, error or '') and of how many. With none it asks whether to go on. Raises Stopped."""


Handler = Callable[[Running], None]


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    needs: Permission  # of who asked, again when it runs
    kept_by: Permission  # who may look at those of others in the institution, cancel and repeat them
    attempts: int
    handler: Handler


KINDS: dict[str, Kind] = {}


def kind(
    name: str, *, needs: Permission, kept_by: Permission, attempts: int = 8
) -> Callable[[Handler], Handler]:
    """Declare what runs jobs of that name. The module is named in `serving/work.py`, so that it is loaded."""

    def declare(handler: Handler) -> Handler:
        KINDS[name] = Kind(name, needs, kept_by, attempts, handler)
        return handler

    return declare
