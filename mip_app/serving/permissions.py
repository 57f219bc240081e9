"""Who may do what, read from the code: every role, page, event handler, HTTP route and service with its rule."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute
from reflex_base.registry import RegistrationContext

import mip_app
from mip_app.accounts.models import Role
from mip_app.accounts.roles import OUTSIDE, PERMISSIONS, permissions_of
from mip_app.core.actor import ADMINISTRATIVE, RULE, Actor, Open, Permission, Rule
from mip_app.core.gate import rule_of
from mip_app.core.http import PAGES, Needs
from mip_app.mip_app import ROUTERS

DOCUMENT = Path(__file__).parents[2] / "docs" / "permissions.md"
WORDS = {
    Open.TO_ALL: "everybody",
    Open.TO_ENTERING: "signed in, steps of signing in pending or not",
    Open.TO_SIGNED_IN: "signed in",
}


def handlers() -> dict[str, Rule | None]:
    """Every event handler that a client can name, by that name. None: nobody may."""
    return {name: rule_of(known) for name, known in RegistrationContext.get().event_handlers.items()}


def routes() -> dict[tuple[str, str], Rule | None]:
    """Every HTTP route by method and path."""
    found: dict[tuple[str, str], Rule | None] = {}
    for router in ROUTERS:
        for route in router.routes:
            methods = getattr(route, "methods", None) or {"?"}
            found |= {(method, getattr(route, "path", "?")): rule_of_route(route) for method in methods}
    return found


def rule_of_route(route: Any) -> Rule | None:
    calls = [one.call for one in route.dependant.dependencies] if isinstance(route, APIRoute) else []
    rules = {call.rule for call in calls if isinstance(call, Needs)}
    return rules.pop() if len(rules) == 1 else None


def services() -> dict[str, Rule | None]:
    """Every public function of every module that takes an Actor, by `module.function`."""
    return {f"{fn.__module__}.{fn.__name__}": getattr(fn, RULE, None) for fn in _taking_actors(_modules())}


def _modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(mip_app.__path__, "mip_app."):
        yield importlib.import_module(found.name)


def _taking_actors(modules: Iterable[Any]) -> Iterator[Callable[..., Any]]:
    for module in modules:
        for name, fn in vars(module).items():
            ours = inspect.isfunction(fn) and fn.__module__ == module.__name__ and not name.startswith("_")
            if ours and takes_actor(fn):
                yield fn


def takes_actor(fn: Callable[..., Any]) -> bool:
    return any(one.annotation in (Actor, "Actor") for one in inspect.signature(fn).parameters.values())


def written() -> str:
    """The document."""
    return "\n".join(
        (*_head(), *_roles(), *_patient_data(), *_pages(), *_routes(), *_handlers(), *_services())
    )


def _head() -> Iterator[str]:
    yield "# Who may do what"
    yield ""
    yield "Written from the code by `mip permissions --write`; a test fails when it is stale."
    yield ""
    yield "A sign-in has the permissions of its side alone: `admin.*` and `audit.*` on the administration side,"
    yield "all others on the side of the work. While a step of signing in is pending it has none."
    yield ""


def _roles() -> Iterator[str]:
    yield "## Roles as delivered"
    yield ""
    yield "An institution edits its own. ✓ on the side of the work, ▲ on the administration side."
    yield ""
    roles = list(Role)
    yield _row("", *(str(role) for role in roles))
    yield _row("---", *(":-:" for _ in roles))
    for permission in Permission:
        sign = "▲" if permission in ADMINISTRATIVE else "✓"
        yield _row(f"`{permission}`", *(sign if permission in PERMISSIONS[role] else "" for role in roles))
    yield _row("**sees patient data**", *("yes" if sees_patients(role) else "no" for role in roles))
    yield ""


def sees_patients(role: Role) -> bool:
    """Whether anything of the role, as delivered, is on the side where patients are."""
    return bool(permissions_of([role], [], {}, inside=role not in OUTSIDE) - ADMINISTRATIVE)


def outside_for_ever() -> bool:
    """Whether people outside of institutions stay without patient data whatever somebody gives to them."""
    every = [str(permission) for permission in Permission]
    return all(permissions_of([role], every, {}, inside=False) <= ADMINISTRATIVE for role in OUTSIDE)


def _patient_data() -> Iterator[str]:
    unseeing = ", ".join(str(role) for role in Role if not sees_patients(role))
    yield f"No patient data is seen by: {unseeing}."
    yield "Whoever has `audit.read` in an institution reads there which study was touched: its numbers, no name."
    yield "Whoever has `admin.data` in an institution sees on /admin/data whom its patients' files name, nothing else."
    if outside_for_ever():
        outside = ", ".join(str(role) for role in Role if role in OUTSIDE)
        yield f"For {outside} that cannot be changed: outside of an institution nothing but the administrative counts."
    yield ""


def _pages() -> Iterator[str]:
    yield from _table("Pages", "route", ((f"`{route}`", rule) for route, rule in PAGES.items()))


def _routes() -> Iterator[str]:
    named = ((f"`{method} {path}`", rule) for (method, path), rule in routes().items())
    yield from _table("HTTP routes", "route", named)


def _handlers() -> Iterator[str]:
    named = []
    for name, known in RegistrationContext.get().event_handlers.items():
        fn = known.handler.fn
        if rule := handlers()[name]:
            named.append((f"`{fn.__module__.removeprefix('mip_app.')}.{fn.__qualname__}`", rule))
    yield from _table("Event handlers", "handler", named)
    yield "Whatever else a client may name, Reflex's own `setvar` for one, nobody may call."
    yield ""


def _services() -> Iterator[str]:
    declared = ((f"`{name.removeprefix('mip_app.')}`", rule) for name, rule in services().items() if rule)
    yield from _table("Services", "service", declared)


def _table(title: str, of: str, named: Iterable[tuple[str, Rule | None]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield _row(of, "who")
    yield _row("---", "---")
    for name, rule in sorted(named, key=lambda one: one[0]):
        yield _row(name, f"`{rule}`" if isinstance(rule, Permission) else WORDS[rule] if rule else "nobody")
    yield ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
