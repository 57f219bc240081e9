"""Ways round the framework, for what is asked a thousand times in a row: the guard (http.py) tries them first."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from mip_app.core.actor import Actor, Rule, acting_as, allows

Find = Callable[[str, str, str], Awaitable[Actor | None]]


class Shortcut(Protocol):
    """Answers what is asked a thousand times in a row, before any framework is asked.

    It answers what it is sure of, and nothing else: whatever is odd, refused or missing is left to the route.
    """

    find: Find  # who is asking, as of now or a moment ago

    def takes(self, scope: Scope) -> bool: ...

    async def answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> bool:
        """Whether it has answered; otherwise nothing was sent, and nothing of a body was received."""


def acting(scope: Scope, rule: Rule) -> Actor | None:
    """For shortcuts: who asks, from here on acting; None where it is for the route to refuse them."""
    actor: Actor | None = scope.get("mip_actor")
    if actor is None or not allows(rule, actor):
        return None
    acting_as(actor)
    return actor
