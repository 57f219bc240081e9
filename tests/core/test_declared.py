"""Nothing answers that does not say to whom: services, event handlers, pages, HTTP routes; and the document of it."""

import subprocess
import sys
from types import ModuleType

import pytest
import reflex as rx
from fastapi import APIRouter
from reflex_base.registry import RegistrationContext
from sqlmodel import Session

from mip_app.accounts.models import Role
from mip_app.accounts.roles import OUTSIDE, PERMISSIONS
from mip_app.core import http
from mip_app.core.actor import ADMINISTRATIVE, Actor, Open, Permission, Side, allows, needs
from mip_app.core.errors import NotPermitted
from mip_app.core.gate import rule_of
from mip_app.mip_app import app
from mip_app.serving import permissions

# Public functions that take an Actor and guard nothing, with the reason.
GUARD_NOTHING = {
    "mip_app.audit.service.after_failure": "keeps a note for a unit that fails",
    "mip_app.audit.service.record": "writes down what anybody did or was refused",
    "mip_app.audit.service.record_refusal": "writes down what anybody did or was refused",
    "mip_app.audit.service.scope_of": "a name of a log, no data",
    "mip_app.audit.command.accept": "of the console, where who is at the machine may everything",
    "mip_app.audit.command.noted": "of the console, where who is at the machine may everything",
    "mip_app.audit.command.verify": "of the console, where who is at the machine may everything",
    "mip_app.audit.looks.begins": "what this process remembers of looks",
    "mip_app.audit.looks.forget": "what this process remembers of looks",
    "mip_app.core.database.glance": "runs a service, which declares",
    "mip_app.core.database.read": "runs a service, which declares",
    "mip_app.core.database.write": "runs a service, which declares",
    "mip_app.accounts.recognising.idle_for_long": "asks a clock of this process",
    "mip_app.accounts.opening.at_console": "is itself a check",
    "mip_app.accounts.lock_out.guarded": "a check within services of several rules",
    "mip_app.accounts.resetting.credentials": "for services of several rules, which have found whose they are",
    "mip_app.accounts.resetting.second_factor": "for services of several rules, which have found whose it is",
    "mip_app.accounts.resetting.to_the_first_day": "for services of several rules, which have found whom",
    # Of a place or on a person that a service has found: the operator's, or the alliance administrator's.
    "mip_app.accounts.administrators.add": "for services of several rules",
    "mip_app.accounts.administrators.reset": "for services of several rules",
    "mip_app.accounts.administrators.set_disabled": "for services of several rules",
    "mip_app.accounts.doctors.own_role_names": "names of the own institution's roles",
    "mip_app.auditing.reading.zone_of": "a time zone",
    "mip_app.jobs.service.ask": "for services of several rules, which have found what is to be done",
    "mip_app.sign_in.account.devices.zone_of": "a time zone",
    "mip_app.sign_in.codes.send": "for services of several rules, which have found whose phone it is",
    "mip_app.sign_in.codes.try_code": "for services of several rules, which know whose code it is",
    "mip_app.sign_in.identities.attach": "for services of several rules, which have proved whose it is",
    "mip_app.sign_in.new_password.known_of": "for services of several rules, which have made sure whose it is",
    "mip_app.sign_in.password.forgive": "for services of several rules, which have made sure whose it is",
    "mip_app.sign_in.second_factor.required": "a fact of the sign-in at hand",
    "mip_app.studies.service.not_visible": "an answer, to be raised",
    "mip_app.accounts.sessions.require_password": "a check of services that declare",
    "mip_app.accounts.standing.require_not_above": "a check of services that declare",
    "mip_app.accounts.standing.require_not_more": "a check of services that declare",
    "mip_app.sign_in.identities.begin_anew": "a part of services that declare",
    "mip_app.studies.door.among": "a condition on what is selected",
    "mip_app.studies.door.granted": "a condition on what is selected",
    "mip_app.studies.door.granted_ways": "conditions on what is selected",
    "mip_app.studies.door.kinds": "which conditions there are",
    "mip_app.studies.door.named": "a condition on what is selected",
    "mip_app.studies.door.of_modality": "conditions on what is selected",
    "mip_app.studies.door.own": "a condition on what is selected",
    "mip_app.studies.door.own_way": "conditions on what is selected",
    "mip_app.studies.door.seer": "whose conditions are the same",
    "mip_app.studies.door.through": "a condition on what is selected",
    "mip_app.studies.door.visible": "a condition on what is selected",
    "mip_app.studies.door.ways": "conditions on what is selected",
    "mip_app.studies.door.whose": "a condition on what is selected",
    "mip_app.studies.door.within": "a condition on what is selected",
    "mip_app.studies.service.topic": "a name to listen to, no data",
    "mip_app.studies.query.narrowing.narrowed": "conditions, for `find`, which declares",
    "mip_app.studies.query.pages.searched": "a statement's shape, for `find`, which declares",
    "mip_app.maintenance.changing.next_variant": "a number, for services that declare",
    "mip_app.maintenance.changing.tell": "names to listen to, no data",
    # On a report that is taken out already: whoever has a Desk came through `opened`, which declares.
    "mip_app.reports.desk.add_aside": "works on a Desk",
    "mip_app.reports.desk.free": "works on a Desk",
    "mip_app.reports.desk.note": "works on a Desk",
    "mip_app.reports.desk.tell": "works on a Desk",
    "mip_app.reports.desk.write_text": "works on a Desk",
    "mip_app.reports.holding.claim": "works on a Desk",
    "mip_app.reports.holding.keep_lock": "works on a Desk",
    "mip_app.reports.writing.keep_aside": "works on a Desk",
    "mip_app.reports.writing.stale": "works on a Desk",
}

REPORTER = Actor(1, "somebody", 1, frozenset(PERMISSIONS[Role.REPORTER]) - ADMINISTRATIVE)


def undeclared_services() -> set[str]:
    return {name for name, rule in permissions.services().items() if rule is None}


def undeclared_pages() -> set[str]:
    return {f"/{route}".replace("//", "/") for route in app._unevaluated_pages} - set(http.PAGES)


def undeclared_routes() -> set[str]:
    return {f"{method} {path}" for (method, path), rule in permissions.routes().items() if rule is None}


def test_every_service_says_who_may_call_it() -> None:
    assert len(permissions.services()) > 50
    assert undeclared_services() == set(GUARD_NOTHING)


def test_every_page_says_who_may_open_it() -> None:
    assert len(app._unevaluated_pages) > 5
    assert undeclared_pages() == set()


def test_every_route_says_who_may_ask_it() -> None:
    assert len(permissions.routes()) > 20
    assert undeclared_routes() == set()


def test_planted_ones_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = ModuleType("mip_app.planted")

    def service(session: Session, actor: Actor) -> None: ...

    service.__module__ = planted.__name__
    planted.service = service  # type: ignore[attr-defined]
    monkeypatch.setattr(permissions, "_modules", lambda: [planted])
    assert undeclared_services() == {"mip_app.planted.service"}

    router = APIRouter()
    router.add_api_route("/planted", lambda: None, methods=["PUT"])
    monkeypatch.setattr(permissions, "ROUTERS", (*permissions.ROUTERS, router))
    assert undeclared_routes() == {"PUT /planted"}

    monkeypatch.setitem(app._unevaluated_pages, "planted", app._unevaluated_pages["login"])
    assert undeclared_pages() == {"/planted"}

    with RegistrationContext.get().fork():

        class PlantedState(rx.State):
            @rx.event
            async def bare(self) -> None: ...

        nobody = {name.rsplit(".", 1)[1] for name, rule in permissions.handlers().items() if rule is None}
        assert "bare" in nobody


def test_a_service_is_refused_to_whom_its_rule_does_not_name() -> None:
    @needs(Permission.REPORT_REVIEW)
    def review(session: str, actor: Actor, word: str = "") -> str:
        return session + word

    @needs(Permission.REPORT_WRITE)
    def write(actor: Actor) -> str:
        return "written"

    assert write(REPORTER) == write(actor=REPORTER) == "written"
    for call in (lambda: review("", REPORTER), lambda: review(session="", actor=REPORTER, word="x")):
        with pytest.raises(NotPermitted):
            call()
    with pytest.raises(TypeError, match="takes an Actor"):
        needs(Open.TO_ALL)(lambda session: None)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("role", Role)
def test_a_page_asks_for_nothing_that_its_visitor_may_not_have(role: Role, side: Side) -> None:
    allowed = {p for p in PERMISSIONS[role] if (p in ADMINISTRATIVE) == (side is Side.ADMIN)}
    actor = Actor(1, "", None, frozenset(allowed), side=side)
    for route, rule in http.PAGES.items():
        page = app._unevaluated_pages[route.strip("/") or "index"]
        events = page.on_load if isinstance(page.on_load, list) else [page.on_load]
        for handler in events if allows(rule, actor) else ():
            asked = rule_of_handler(handler.fn)
            assert allows(asked, actor), f"{route} loads {handler.fn.__qualname__}, which needs {asked}"


def rule_of_handler(fn: object) -> Open | Permission:
    known = RegistrationContext.get().event_handlers.values()
    rule = next(rule_of(one) for one in known if one.handler.fn is fn)
    assert rule is not None
    return rule


def test_who_is_outside_of_institutions_never_sees_patients() -> None:
    assert permissions.outside_for_ever()
    assert not any(permissions.sees_patients(role) for role in OUTSIDE)


def test_the_documents_say_what_the_code_says() -> None:
    # In a process of its own: tests plant things in this one.
    code = """
from mip_app.serving import conformance, permissions
kept = conformance.DOCUMENT.read_text("utf-8")
print(permissions.written() == permissions.DOCUMENT.read_text("utf-8"))
print(conformance.written(kept) == kept and set(conformance.TABLES) == set(conformance.named(kept)))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    who_may, conforms = said.split()
    assert who_may == "True", "docs/permissions.md is stale: mip permissions --write"
    assert conforms == "True", "docs/conformance.md is stale: mip conformance --write"
