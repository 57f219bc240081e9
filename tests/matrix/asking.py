"""Asks everything there is, as one person, and says what was answered otherwise than declared."""

import contextlib
import itertools
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from fastapi.routing import APIRoute
from reflex_base.registry import RegistrationContext

from mip_app.core.actor import Open, Rule, Side
from mip_app.core.gate import COOKIE, rule_of
from mip_app.core.http import PAGES
from mip_app.mip_app import ROUTERS, app
from mip_app.serving.permissions import rule_of_route
from tests.matrix import rows
from tests.matrix.payloads import CannotSend, Ids, names_a_row, payload_for, value_of
from tests.matrix.requests import answered, code_of, request_for
from tests.matrix.wire import ROOT, TAB, TROUBLE, Wire
from tests.matrix.world import ABSENT, ALIEN, OTHER, OWN, Persona, found_in, ids_of, secret_of
from tests.site import Site

WHOSE = (OWN, OTHER, ALIEN, ABSENT)
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
LOADING = ("on_load_internal", "hydrate_and_load")
# A kept connection may be closed by the server just as the next request goes out.
EACH_ANEW = httpx.Limits(max_keepalive_connections=0)
GATE_SAYS = {"error.not_signed_in", "error.not_permitted"}


@dataclass
class Asking:
    persona: Persona
    site: Site
    cases: int = 0
    wrong: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.cookie = ""
        if self.persona.signed_in and not self.persona.key or self.persona.was:
            self.cookie = f"{COOKIE}={secret_of(self.persona.name)}"
        self.marks = self.persona.not_theirs()
        self.before, self.kept, self.watch = rows.read(), rows.keep(), rows.Watch()
        self.seeds = self.persona.not_to_change()
        self.foreign_rows = rows.belonging(self.before, self.seeds)

    # Events

    def events(self) -> None:
        # Who is not signed in is heard slowly on each socket: they have several.
        with contextlib.ExitStack() as closing:
            several = 1 if self.persona.signed_in and not self.persona.key else 9
            wires = [closing.enter_context(Wire(self.site.url, self.cookie)) for _ in range(several)]
            tabs = itertools.cycle(wires)
            for name, known in list(RegistrationContext.get().event_handlers.items()):
                rule = rule_of(known)
                try:
                    for path in _paths_for(name, known.handler.fn):
                        if self.persona.may(rule, socket=True):
                            self._event(name, known.handler.fn, path)
                        else:
                            self._refused_event(name, known.handler.fn, path, next(tabs))
                except CannotSend as error:
                    self.broken.add(str(error))

    def _event(self, name: str, fn: Any, path: str) -> None:
        answers = {}
        for whose in WHOSE if _knows_rows(name, fn, path) else (OWN,):
            ids = ids_of(whose)
            payload = payload_for(fn, ids)
            self.cases += 1
            case = f"{_short(name)} of {whose}'s" + (f" on {path}" if "[" in path else "")
            where, query = _filled(path, ids)
            with Wire(self.site.url, self.cookie) as tab:
                deltas = tab.ask(name, where, query, payload, further=4 if name.endswith(LOADING) else 1)
                if _works_aside(name):
                    deltas += tab.answers_late()
            answers[whose] = _said(deltas, ids)
            changed = self._rows_stay(case)
            # What a page loads that is not for them is refused in turn.
            if not name.endswith(LOADING) or self.persona.may(PAGES[path], socket=True):
                self._must_be_done(case, name, deltas, changed)
            self._nothing_of_others(case, answers[whose])
        self._foreign_as_absent(_short(name), answers)

    def _refused_event(self, name: str, fn: Any, path: str, tab: Wire) -> None:
        """Of each owner's, in one go: each is answered once, and by the refusal alone."""
        for whose in WHOSE:
            ids = ids_of(whose)
            tab.send(name, *_filled(path, ids), payload_for(fn, ids))
            self.cases += 1
        told = [_told([delta]) for delta in tab.answers()]
        if name.endswith(".watch") and len(told) < len(WHOSE):  # one watcher supersedes the other
            told = told[:1] * len(WHOSE)
        if self.persona.pending or not self.persona.signed_in or self.persona.key:
            expected = ("pending" if self.persona.pending else "signed_out", "")
        else:
            expected = ("", name)
        if told != [expected] * len(WHOSE):
            self.wrong.append(f"{_short(name)}: {len(WHOSE)} times expected {expected}, told {told}")
        self._rows_stay(_short(name))

    def sequences(self) -> None:
        """Of what a page keeps open: first one is chosen, then something is done with it.

        What works in the background chooses nothing, and says when it likes what came of it.
        """
        may = {
            name: known.handler.fn
            for name, known in RegistrationContext.get().event_handlers.items()
            if ".mip_app___" in name and self.persona.may(rule_of(known), socket=True)
        }
        for first, fn in may.items():
            state = first.rsplit(".", 1)[0]
            if _works_aside(first) or not (
                names_a_row(fn) or (first == f"{state}.load" and fn.__module__ in _loaded_by(_page_of(fn)))
            ):
                continue
            for then in may:
                if then.rsplit(".", 1)[0] == state and then not in (first, f"{state}.load", f"{state}.watch"):
                    self._sequence(state, first, then, may)

    def _sequence(self, state: str, first: str, then: str, may: dict[str, Any]) -> None:
        answers = {}
        for whose in (OWN, *self.persona.foreign(), ABSENT):
            ids = ids_of(whose)
            where, query = _filled(_page_of(may[first]), ids)
            self.cases += 1
            case = f"{_short(first)} and {_short(then)} of {whose}'s"
            with Wire(self.site.url, self.cookie) as tab:
                for name in dict.fromkeys((f"{state}.load", first)):
                    if name in may:
                        tab.send(name, where, query, payload_for(may[name], ids))
                said = tab.ask(then, where, query, payload_for(may[then], ids))
                if _works_aside(then):
                    said += tab.answers_late()
            answers[whose] = _said(said, ids)
            troubles = [d[TROUBLE].get("number_rx_state_") for d in said if TROUBLE in d]
            if any(troubles):
                self.wrong.append(f"{case}: failed in a way that nobody foresaw ({troubles})")
            self._rows_stay(case)
            self._nothing_of_others(case, answers[whose])
        self._foreign_as_absent(f"{_short(first)} and {_short(then)}", answers)

    def _must_be_done(self, case: str, name: str, deltas: list[dict[str, Any]], changed: set[str]) -> None:
        ended, refused = _told(deltas)
        if refused == name or (ended and "login_session" not in changed and "user_account" not in changed):
            self.wrong.append(f"{case}: is allowed, told {(ended, refused)}")
        troubles = [d[TROUBLE].get("number_rx_state_") for d in deltas if TROUBLE in d]
        if any(troubles) and not name.endswith("trouble.say"):
            self.wrong.append(f"{case}: failed in a way that nobody foresaw ({troubles})")

    # HTTP routes

    def routes(self) -> None:
        with httpx.Client(base_url=self.site.url, timeout=30, limits=EACH_ANEW) as client:
            for path, routes in _by_path().items():
                for method in METHODS:
                    route = next((one for one in routes if method in one.methods), None)
                    try:
                        self._route(client, method, path, route)
                    except CannotSend as error:
                        self.broken.add(str(error))

    def _route(self, client: httpx.Client, method: str, path: str, route: APIRoute | None) -> None:
        answers = {}
        rule = rule_of_route(route) if route else None
        # A method that a route does not know, and a route that knows no rows, is asked for once.
        rows_meant = route and request_for(path, route, ids_of(OWN)) != request_for(
            path, route, ids_of(ABSENT)
        )
        for whose in WHOSE if rows_meant else (OWN,):
            ids = ids_of(whose)
            address, sent = request_for(path, route, ids)
            self.cases += 1
            case = f"{method} {path} of {whose}'s"
            answer = client.request(
                method, address, **{**sent, "headers": self._headers(**sent.get("headers", {}))}
            )
            self._rows_stay(case)
            self._status(case, answer, route, rule)
            said = answered(answer, ids)
            self._nothing_of_others(case, said)
            if route and self.persona.may(rule):
                answers[whose] = said
        self._foreign_as_absent(f"{method} {path}", answers)

    def _status(self, case: str, answer: httpx.Response, route: APIRoute | None, rule: Rule | None) -> None:
        status = answer.status_code
        if route is None:
            right = status == 405
        elif self.persona.may(rule):
            right = status < 500 and not (status in (401, 403) and code_of(answer) in GATE_SAYS)
        else:
            known = self.persona.signed_in and not self.persona.pending
            expected = (403, "error.not_permitted") if known else (401, "error.not_signed_in")
            said = code_of(answer) if answer.request.method != "HEAD" else expected[1]  # which has no body
            right = (status, said) == expected
        if not right:
            self.wrong.append(f"{case}: answered {status} {answer.text[:120]!r}, declared {rule!r}")

    def _headers(self, **more: str) -> dict[str, str]:
        who = {"Cookie": self.cookie} if self.cookie else {}
        if self.persona.key:
            who = {"Authorization": f"Bearer {secret_of('key-own')}"}
        return {"Origin": self.site.url, **who, **more}

    # Pages

    def pages(self) -> None:
        with httpx.Client(base_url=self.site.url, timeout=30, limits=EACH_ANEW) as client:
            for path, rule in [
                *PAGES.items(),
                ("/", Open.TO_SIGNED_IN),
                ("/no-such-page", Open.TO_SIGNED_IN),
            ]:
                for whose in WHOSE if "[" in path else (OWN,):
                    self.cases += 1
                    self._page(client, _filled(path, ids_of(whose))[0], rule)

    def _page(self, client: httpx.Client, path: str, rule: Rule) -> None:
        answer = client.get(path, headers=self._headers(Accept="text/html"))
        if answer.status_code == 307:  # the same with a slash
            answer = client.get(answer.headers["location"], headers=self._headers(Accept="text/html"))
        led = answer.headers.get("location", "").split("?")[0]
        if not self.persona.signed_in and rule is not Open.TO_ALL:
            right = (answer.status_code, led) == (303, "/login")
        elif self.persona.may(rule):
            home = "/admin" if self.persona.side is Side.ADMIN else "/studies"
            found = 404 if path == "/no-such-page" else 200
            right = (answer.status_code, led) == ((303, home) if path == "/" else (found, ""))
        else:
            right = (answer.status_code, led) == (303, "/welcome" if self.persona.pending else "/forbidden")
        if not right:
            self.wrong.append(f"page {path}: answered {answer.status_code} {led}, declared {rule!r}")
        self._nothing_of_others(f"page {path}", answer.text)

    # What holds for every answer

    def _rows_stay(self, case: str) -> set[str]:
        """Nothing of others has changed; what else has is put back, for the next case. Gives the tables."""
        if not self.watch.changed():
            return set()
        after = rows.read()
        theirs = rows.belonging(after, self.seeds)
        touched = {
            name
            for name in theirs.keys() | self.foreign_rows.keys()
            if theirs.get(name) != self.foreign_rows.get(name)
        }
        if touched:
            self.wrong.append(f"{case}: changed others' rows of {', '.join(sorted(touched))}")
        changed = rows.differing(self.before, after)
        if changed:
            rows.put_back(self.kept, changed)
        return changed

    def _nothing_of_others(self, case: str, said: str) -> None:
        if known := self.persona.known():
            said = said.replace(known, "")
        if found := found_in(said, self.marks):
            self.wrong.append(f"{case}: the answer tells {', '.join(found)}")

    def _foreign_as_absent(self, case: str, answers: dict[str, str]) -> None:
        for whose in self.persona.foreign() if ABSENT in answers else ():
            if answers[whose] != answers[ABSENT]:
                self.wrong.append(
                    f"{case}: {whose}'s is answered otherwise than what does not exist:\n"
                    f"    {answers[whose][:600]}\n    {answers[ABSENT][:600]}"
                )


def _short(name: str) -> str:
    return re.sub(r".*___", "", name)


def _paths_for(name: str, fn: Any) -> list[str]:
    """Handlers that load a page do so by its address: on each. The others know an address that names a row."""
    return list(PAGES) if name.endswith(LOADING) else [_page_of(fn)]


@cache
def _page_of(fn: Any) -> str:
    """Where a handler's state is at home: of the pages that name a row the one that loads it, else any."""
    naming = [route for route in PAGES if "[" in route]
    return next(
        (route for route in naming if fn.__module__ in _loaded_by(route)),
        next(route for route in naming if route.startswith("/reports/")),
    )


@cache
def _loaded_by(route: str) -> set[str]:
    loads = app._unevaluated_pages[route.strip("/")].on_load
    return {
        one.fn.__module__ for one in (loads if isinstance(loads, list) else [loads]) if hasattr(one, "fn")
    }


def _knows_rows(name: str, fn: Any, path: str) -> bool:
    """Whether what is sent, or the page it is sent from, names a row."""
    if payload_for(fn, ids_of(OWN)) != payload_for(fn, ids_of(ABSENT)):
        return True
    return "[" in path and (name.endswith(LOADING) or fn.__module__ in _loaded_by(path))


def _works_aside(name: str) -> bool:
    """In the background, and says what came of it when it is done; one that watches says nothing by itself."""
    handler = RegistrationContext.get().event_handlers[name].handler
    return handler.is_background and not name.endswith(".watch")


def _filled(path: str, ids: Ids) -> tuple[str, dict[str, str]]:
    query = {
        name: str(value_of(name, str, ids, f"the page {path}")) for name in re.findall(r"\[(\w+)\]", path)
    }
    for name, value in query.items():
        path = path.replace(f"[{name}]", value)
    return path, query


def _told(deltas: list[dict[str, Any]]) -> tuple[str, str]:
    tab: dict[str, str] = {}
    for delta in deltas:
        tab |= delta.get(TAB, {})
    return tab.get("ended_rx_state_", ""), tab.get("refused_rx_state_", "")


def _said(deltas: list[dict[str, Any]], ids: Ids) -> str:
    """What the page then shows, as text; without its address and what was sent. How it is cut into messages varies."""
    shown: dict[str, dict[str, Any]] = {}
    further: list[Any] = []
    for delta in deltas:
        further += [delta.pop(name) for name in ("events", "said") if name in delta]
        for state, values in delta.items():
            kept = {name: value for name, value in values.items() if not name.startswith("rx_router_")}
            shown.setdefault(state, {}).update(kept)
    shown.pop(ROOT, None)
    text = json.dumps([shown, further], ensure_ascii=False, sort_keys=True)
    return ids.hidden_in(re.sub(r"(\d{4}-)?(\d\d-\d\d )?\d\d:\d\d(:\d\d)?", "<time>", text))


def _by_path() -> dict[str, list[APIRoute]]:
    found: dict[str, list[APIRoute]] = {}
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            found.setdefault(route.path, []).append(route)
    return found
