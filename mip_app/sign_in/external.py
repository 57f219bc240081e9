"""Other services that say who somebody is. What the settings do not configure is not on the page."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class External:
    """A button of the sign-in page."""

    kind: str  # as in LoginSession.method
    title: str  # a key of the catalogue
    icon: str
    route: str  # GET leads to the service
    configured: Callable[[], bool]


EXTERNAL: tuple[External, ...] = ()
