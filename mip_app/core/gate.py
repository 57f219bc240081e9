"""The one gate every Reflex event passes. Nothing is callable that does not say who may call it.

Any socket may name any handler of any state, from any page, with any payload, and Reflex finds a tab's state by a
token of the client's alone. So before each event: who is behind the cookie, is this tab theirs, may they.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import uuid4

import reflex as rx
from reflex.istate.manager.memory import StateManagerMemory
from reflex.istate.manager.token import BaseStateToken
from reflex.middleware import Middleware
from reflex.state import BaseState, StateUpdate
from reflex_base.constants.state import FIELD_MARKER
from reflex_base.event import Event
from reflex_base.registry import RegisteredEventHandler, RegistrationContext

from mip_app.core.actor import RULE, Actor, Open, Permission, Rule, acting_as, allows, current_actor
from mip_app.core.errors import NotSignedIn
from mip_app.core.payload import fits, loads
from mip_app.core.settings import settings

log = logging.getLogger(__name__)

COOKIE = "mip_session"

# Reflex's own handlers that a page needs. Not `setvar`: it calls any set_* method under another name.
FRAMEWORK = frozenset(
    {
        "State.hydrate",
        "State.hydrate_and_load",
        "State.set_is_hydrated",
        "OnLoadInternalState.on_load_internal",
        "OnLoadInternalState.set_is_hydrated",
        "FrontendEventExceptionState.handle_frontend_exception",
    }
)


class Identify(Protocol):
    """How the composition root tells who somebody is; core knows no accounts."""

    async def by_token(self, token: str, address: str, *, active: bool) -> Actor | None: ...
    async def again(self, actor: Actor) -> Actor | None: ...


def event(rule: Rule, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`rx.event` that cannot be written without saying who may call it."""
    if not isinstance(rule, Permission | Open):
        raise TypeError(f"@event needs a Permission or Open, not {rule!r}")

    def declare(handler: Callable[..., Any]) -> Any:
        setattr(handler, RULE, rule)
        return rx.event(handler, **options)

    return declare


def rule_of(registered: RegisteredEventHandler) -> Rule | None:
    fn = registered.handler.fn
    if fn.__module__ == "reflex.state" and fn.__qualname__ in FRAMEWORK:
        return Open.TO_ALL
    return getattr(fn, RULE, None)


def undeclared() -> list[str]:
    """Every handler a client can reach and that no rule covers (a test holds this to `setvar` alone)."""
    handlers = RegistrationContext.get().event_handlers
    return sorted(name for name, registered in handlers.items() if rule_of(registered) is None)


def session_token(cookie_header: str) -> str:
    """The session cookie's value, or ''; also where there are two, one of which somebody else has put there."""
    # Not http.cookies: it gives up on the whole header where another program's cookie is odd.
    pairs = (pair.strip().partition("=") for pair in cookie_header.split(";"))
    ours = cookie_name()
    values = {value for name, _, value in pairs if name == ours}
    return values.pop() if len(values) == 1 else ""


def cookie_name() -> str:
    """Behind HTTPS with the prefix that browsers take from this host and over TLS alone."""
    return f"__Host-{COOKIE}" if settings().secure_cookies else COOKIE


class Tab(rx.State):
    """Whom this tab belongs to: the sign-in (and with it the institution) that first used it."""

    ended: str = ""  # why this tab must start anew: signed_out, too_many, other, pending
    refused: str = ""  # what was last asked here and is not allowed: the event's name

    _session_id: int = 0


class Gate(Middleware):
    def __init__(self, identify: Identify) -> None:
        self.identify = identify

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        registered = RegistrationContext.get().event_handlers.get(event.name)
        rule = rule_of(registered) if registered else None
        name = event.name if registered else "?"
        headers = state.router.headers
        address = state.router.session.client_ip
        actor = await self.identify.by_token(session_token(headers.cookie), address, active=True)
        acting_as(actor)
        tab = await state.get_state(Tab)
        if not tab._session_id and actor and actor.session_id:
            tab._session_id = actor.session_id
        elif tab._session_id and tab._session_id != (actor and actor.session_id):
            log.warning("refused event=%s: the tab belongs to another sign-in", name)
            return _ended("other" if actor else "signed_out")
        if rule is not None and allows(rule, actor):
            if registered and fits(registered.handler.fn, event.payload) and not _stored(event):
                return None
            log.warning("refused event=%s user=%s: not what it takes", name, actor and actor.user_id)
            return _told(refused=name)
        log.warning("refused event=%s user=%s", name, actor and actor.user_id)  # never the payload
        if actor is None or actor.pending:
            return _ended("pending" if actor else "signed_out")
        return _told(refused=name)


def _stored(event: Event) -> bool:
    """Whether it brings variables out of the browser's storage: none of ours lives there."""
    return event.name.endswith(".hydrate_and_load") and bool(event.payload.get("vars"))


def keep_tabs_apart(app: rx.App, identify: Identify) -> None:
    """Give a socket that brings another sign-in's tab token a fresh one, before anything is said to it.

    What a tab's watchers say goes to whoever holds its token; a token is no secret, so the cookie decides.
    """
    namespace, states = app.event_namespace, app.state_manager
    assert namespace is not None
    link = namespace.link_token_to_sid

    async def belongs(sid: str, token: str) -> bool:
        root = await states.get_state(BaseStateToken(ident=token, cls=Tab))
        owner = (await root.get_state(Tab))._session_id
        if not owner:
            return True
        environ = app.sio.get_environ(sid, namespace.namespace) if app.sio else None
        cookie = session_token((environ or {}).get("HTTP_COOKIE", ""))
        actor = await identify.by_token(cookie, "", active=False)
        return actor is not None and actor.session_id == owner

    async def link_own(sid: str, token: str, **options: Any) -> None:
        if not await belongs(sid, token):
            token = str(uuid4())
            await namespace.emit("new_token", token, to=sid)
        await link(sid, token, **options)

    namespace.link_token_to_sid = link_own  # type: ignore[method-assign]


def forget_strangers(app: rx.App) -> None:
    """The state of a tab that nobody signed in to goes with its socket: strangers make as many as they like."""
    namespace, states = app.event_namespace, app.state_manager
    assert namespace is not None
    if not isinstance(states, StateManagerMemory):
        return  # Redis lets them expire
    leave = namespace.on_disconnect
    tasks: set[asyncio.Task[None]] = set()

    async def forget(token: str) -> None:
        key = states._coerce_token(BaseStateToken(ident=token, cls=Tab))
        async with states.modify_state(key) as root:
            theirs = (await root.get_state(Tab))._session_id
        if not theirs and token not in namespace.token_to_sid:
            states._purge_token(key)

    def left(sid: str) -> asyncio.Task[None] | None:
        token = namespace.sid_to_token.get(sid)
        done = leave(sid)
        if token:
            tasks.add(task := asyncio.create_task(forget(token)))
            task.add_done_callback(tasks.discard)
        return done

    namespace.on_disconnect = left  # type: ignore[method-assign]


def hear_whole_texts(app: rx.App) -> None:
    """Half a character, once in a tab's state, would break its socket for good."""
    packets = app.sio.packet_class if app.sio else None
    assert packets is not None
    packets.json = SimpleNamespace(dumps=packets.json.dumps, loads=loads)


def _ended(why: str) -> StateUpdate:
    return _told(ended=why)


def _told(**values: str) -> StateUpdate:
    # The delta goes to this socket alone and is not kept: the tab's state stays its owner's.
    told = {name + FIELD_MARKER: value for name, value in values.items()}
    return StateUpdate(delta={Tab.get_full_name(): told}, events=[])


_again: Callable[[Actor], Awaitable[Actor | None]] | None = None


def use(identify: Identify) -> Gate:
    """Called once by the composition root."""
    global _again
    _again = identify.again
    return Gate(identify)


async def renewed_actor() -> Actor:
    """For watchers at each wake-up: the same sign-in as it is now. Raises NotSignedIn when it is over."""
    actor = await _again(current_actor()) if _again else None
    acting_as(actor)
    if actor is None:
        raise NotSignedIn()
    return actor
