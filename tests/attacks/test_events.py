"""The event socket under attack: every handler with every payload that no page of ours sends, and broken protocol.

After each the server is the same process, answers the next event at once, and its log holds nothing of what came.
"""

import contextlib
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websocket
from reflex_base.registry import RegistrationContext

import mip_app.mip_app  # noqa: F401  registers every state
from mip_app.core.actor import ADMINISTRATIVE
from mip_app.core.gate import rule_of
from mip_app.core.payload import fits
from tests.site import PASSWORD, Site
from tests.socket import STATE, RawSocket

SHELL = f"{STATE}.mip_app___ui___state____shell"
LIST = f"{STATE}.mip_app___studies___state____studies"
SECRET = "Xq7Withheld"  # in every payload: none of it may stand in the log
HANDLERS = sorted(RegistrationContext.get().event_handlers)


def deep(levels: int) -> Any:
    value: Any = SECRET
    for _ in range(levels):
        value = {"a": [value]}
    return value


VALUES: list[Any] = [
    None,
    True,
    -1,
    2**63,
    10**40,
    math.nan,
    math.inf,
    0.5,
    "",
    SECRET,
    SECRET * 20_000,
    f"\x00{SECRET}",
    f"\ud800{SECRET}",
    f"{SECRET}\nERROR forged line",
    f"'; DROP TABLE user_account; -- {SECRET}",
    f"<img src=x onerror=alert('{SECRET}')>",
    "../../../../etc/passwd",
    "%s%n{0}{SECRET}",
    [],
    [SECRET, [SECRET]],
    {},
    {"uid": {"$gt": ""}, SECRET: SECRET},
    {"uid": "1.2.3", "fence": SECRET, "revision": [], "findings": 1, "ask": {}},
    {"uid": "1.2.3", "fence": -(2**60), "revision": math.inf, "findings": f"\ud800\x00{SECRET}", "ask": -1},
    {"__class__": SECRET, "__proto__": {"polluted": SECRET}, "constructor": SECRET},
    deep(11),
    deep(200),
]


def arguments(handler: str) -> list[str]:
    code = RegistrationContext.get().event_handlers[handler].handler.fn.__code__
    return list(code.co_varnames[1 : code.co_argcount])


def payloads(handler: str) -> Iterator[Any]:
    names = arguments(handler) or [SECRET]
    for value in VALUES:
        yield dict.fromkeys(names, value)
    yield {}
    yield {**dict.fromkeys(names, "x"), SECRET: SECRET}
    yield {names[0]: "x"}
    yield {"self": SECRET}
    yield {"": SECRET}


def say(who: RawSocket, event: Any) -> None:
    """An event as a client could write it that takes care of nothing: halves of characters, numbers that are none."""
    who.client.eio.send("2/_event," + json.dumps(["event", event]))


def until(who: RawSocket, word: str, seconds: float = 60) -> str:
    """All that is said until `word` is."""
    said, end = "", time.monotonic() + seconds
    while word not in said:
        said += repr(who.heard.get(timeout=max(0.1, end - time.monotonic())))
    return said


@pytest.fixture
def tab(site: Site) -> Iterator[RawSocket]:
    with RawSocket(site.url, cookie=site.cookie("hewei")) as opened:
        opened.hydrate()
        opened.send(f"{SHELL}.load")
        assert "何为" in opened.answers()
        yield opened


@pytest.fixture(autouse=True)
def unharmed(site: Site) -> Iterator[None]:
    """The process lives, somebody else is answered, and the log says nothing of what came."""
    workers = [worker.pid for worker in site.workers()]
    begun = site.log.stat().st_size
    yield
    with RawSocket(site.url, cookie=site.cookie("linwangshu")) as doctor:
        doctor.hydrate()
        doctor.send(f"{SHELL}.load")
        assert "林望舒" in doctor.answers()
    assert [worker.pid for worker in site.workers()] == workers
    log = site.log.read_bytes()[begun:].decode(errors="replace")
    assert SECRET not in log
    assert "Traceback" not in log
    assert not [line for line in log.splitlines() if line.startswith("ERROR")]


def test_there_are_handlers_to_attack() -> None:
    assert len(HANDLERS) > 40


def administering(site: Site, account: str) -> str:
    form = {"account": account, "password": PASSWORD, "side": "admin"}
    answer = httpx.post(f"{site.url}/auth/login", data=form, headers={"Origin": site.url}, timeout=60)
    assert answer.status_code == 303
    return f"mip_session={answer.cookies['mip_session']}"


@pytest.mark.parametrize("account", ["hewei", ""], ids=["a reviewer", "nobody"])
def test_no_handler_breaks_on_what_no_page_sends(site: Site, account: str) -> None:
    # Nobody is heard slowly, and refused alike whatever they send.
    sent = [(name, payload) for name in HANDLERS for payload in payloads(name)][:: 1 if account else 40]
    assert len(sent) > (1000 if account else 20)
    answers = attacked(site, site.cookie(account) if account else "", sent)
    assert SECRET not in answers or account  # a search word is shown to whoever typed it


@pytest.mark.parametrize("account", ["guanli", "lianmeng", "yunying"])
def test_no_handler_of_the_administration_breaks_either(site: Site, account: str) -> None:
    known = RegistrationContext.get().event_handlers
    theirs = [name for name in HANDLERS if rule_of(known[name]) in ADMINISTRATIVE]
    sent = [(name, payload) for name in theirs for payload in payloads(name)]
    assert len(sent) > 1000
    attacked(site, administering(site, account), sent)


def attacked(site: Site, cookie: str, sent: list[tuple[str, Any]]) -> str:
    """All that is said to it; nothing was unexpected."""
    begun = site.log.stat().st_size
    with RawSocket(site.url, cookie=cookie) as attacker:
        attacker.hydrate()
        for name, payload in sent:
            say(attacker, {"name": name, "payload": payload, "router_data": {"pathname": "/studies"}})
        attacker.send(f"{STATE}.mip_app___ui___trouble____trouble.say", number="THELAST")
        answers = until(attacker, "THELAST", 120)
    unexpected = [line for line in site.log.read_text()[begun:].splitlines() if "unexpected" in line]
    assert unexpected == []
    return answers


@pytest.mark.parametrize(
    "event",
    [
        SECRET,
        json.dumps({"name": SECRET}),
        [SECRET],
        42,
        {},
        {"name": SECRET},
        {"name": None, "payload": {}},
        {"name": [SECRET], "payload": {}},
        {"name": {"a": SECRET}, "payload": {}},
        {"name": f"{SHELL}.load", "payload": SECRET},
        {"name": f"{SHELL}.load", "payload": [SECRET]},
        {"name": f"{SHELL}.load", "payload": None},
        {"name": f"{SHELL}.load", "payload": {}, "router_data": SECRET},
        {"name": f"{SHELL}.load", "payload": {}, "router_data": {"pathname": [SECRET]}},
        {"name": f"{SHELL}.load", "payload": {}, "router_data": {"pathname": "/x", "query": SECRET}},
        {"name": f"{SHELL}.load", "payload": {}, "router_data": {"asPath": {"a": SECRET}}},
        {"name": f"{SHELL}.load", "payload": {}, "router_data": {"headers": {"cookie": SECRET}}},
        {"name": "_redirect", "payload": {"path": f"http://{SECRET}"}},
        {"name": "__init__", "payload": {}},
        {"name": f"{SHELL}.__class__", "payload": {}},
        {"name": f"{SHELL}._session_id", "payload": {}},
    ],
    ids=str,
)
def test_malformed_events_change_nothing(tab: RawSocket, event: Any) -> None:
    say(tab, event)
    tab.hydrate()
    tab.send(f"{SHELL}.load")
    assert "何为" in tab.answers()


def test_what_goes_wrong_is_said_once_even_where_saying_it_goes_wrong_alike(
    site: Site, tab: RawSocket
) -> None:
    before = site.log.read_text().count(" unexpected ")
    say(tab, {"name": f"{SHELL}.load", "payload": {}, "router_data": {"asPath": {"a": SECRET}}})
    with RawSocket(site.url, cookie=site.cookie("hewei")) as other:
        other.hydrate()
        for _ in range(50):  # it has time for a thousand times
            other.send(f"{SHELL}.load")
            other.heard.get(timeout=10)
    assert 1 <= site.log.read_text().count(" unexpected ") - before <= 4


FRAMES: list[Any] = [
    "",
    "9",
    "4",
    "49",
    "42",
    "42/_event",
    "42/_event,",
    "42/_event,[",
    f'42/_event,{{"{SECRET}":1}}',
    f'42/_event,["{SECRET}"]',
    '42/_event,["event"]',
    '42/_event,["event",' + "[" * 50_000 + "]" * 50_000 + "]",
    '42/_event,["event",{"name":"' + SECRET + '","payload":NaN}]',
    f'42/nowhere,["{SECRET}"]',
    f'451-/_event,["{SECRET}",{{"_placeholder":true,"num":0}}]',
    f'459999999999-/_event,["{SECRET}"]',
    f"43/_event,999[{SECRET}]",
    f"44/_event,{SECRET}",
    f'40/{SECRET},{{"a":1}}',
    "41/_event,",
    "1",
    "5",
    f"6{SECRET}",
    b"\x00\x01\x02" * 100,
    b"",
    '42/_event,["event",{"name":"' + "a" * 2_000_000 + '"}]',
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: repr(frame)[:40])
def test_frames_that_break_the_protocol_break_nothing_else(site: Site, frame: Any) -> None:
    address = f"ws://127.0.0.1:{site.port}/_event/?token=frames&EIO=4&transport=websocket"
    raw = websocket.create_connection(address, cookie=site.cookie("hewei"), origin=site.url, timeout=10)
    try:
        raw.recv()
        raw.send("40/_event,")
        raw.recv()
        (raw.send_binary if isinstance(frame, bytes) else raw.send)(frame)
        raw.send("3")
    except (OSError, websocket.WebSocketException):
        pass  # closed on it: as good an answer as any
    finally:
        raw.close()


def test_a_message_over_a_megabyte_ends_the_socket(site: Site) -> None:
    address = f"ws://127.0.0.1:{site.port}/_event/?token=large&EIO=4&transport=websocket"
    raw = websocket.create_connection(address, origin=site.url, timeout=20)
    raw.recv()
    raw.send("4" + SECRET * 100_000)
    with contextlib.suppress(OSError, websocket.WebSocketException):
        assert raw.recv() == ""  # nothing but the end
    assert not raw.connected


@pytest.mark.parametrize(
    "address",
    [
        "/_event/?EIO=3&transport=websocket",
        f"/_event/?EIO=4&transport={SECRET}",
        f"/_event/?EIO=4&transport=websocket&sid={SECRET}",
        f"/_event/?EIO=4&transport=websocket&j={SECRET}",
        f"/_event/{SECRET}",
        "/_event/?EIO=4&transport=polling",
    ],
)
def test_addresses_that_no_page_opens_open_nothing(site: Site, address: str) -> None:
    try:
        opened = websocket.create_connection(
            f"ws://127.0.0.1:{site.port}{address}", origin=site.url, timeout=10
        )
        said = opened.recv()
    except (websocket.WebSocketException, ConnectionError):
        return
    assert not said  # opened, and ended at once


def test_a_client_sets_no_variable_of_the_state(tab: RawSocket) -> None:
    """Whatever the framework has for it: setvar, storage, hydrating with values, the session in the tab itself."""
    tab_state = f"{STATE}.mip_app___core___gate____tab"
    forged = {f"{SHELL}.name": SECRET, f"{tab_state}._session_id": 1, f"{SHELL}.name_rx_state_": SECRET}
    for name in HANDLERS:
        if name.endswith(".setvar"):
            for variable in ("name", "_session_id", "rows", "may", "set_name"):
                tab.send(name, var_name=variable, value=SECRET)
        if name.endswith(".update_vars_internal"):
            tab.send(name, vars=forged)
    tab.send(f"{STATE}.hydrate_and_load", vars=forged)
    tab.send(f"{STATE}.hydrate_and_load", vars=forged, hashes=["x"])
    tab.send(f"{STATE}.hydrate", state=forged, **{"name": SECRET})
    tab.send(f"{STATE}.set_is_hydrated", value=SECRET)
    tab.answers()
    tab.hydrate()
    tab.send(f"{SHELL}.load")
    answers = tab.answers()
    assert SECRET not in answers
    assert "何为" in answers


@pytest.mark.parametrize(
    "path", ["/admin", "/reports/1.2.3", f"/{SECRET}", "../admin", "//evil.example", "/[study_uid]"]
)
def test_saying_that_one_is_on_another_page_opens_nothing_of_it(site: Site, path: str) -> None:
    """The path is the client's word: what loads there asks for rights of its own."""
    with RawSocket(site.url, cookie=site.cookie("yunying")) as operator:
        operator.hydrate(path)
        operator.send(f"{STATE}.hydrate_and_load", path, hashes=None)
        operator.send(f"{LIST}.load", path)
        answers = operator.answers()
    assert "patient_id" not in answers or '"rows_rx_state_": []' in answers.replace("'", '"')


def test_a_flood_of_one_tab_does_not_slow_another(site: Site, tab: RawSocket) -> None:
    with RawSocket(site.url, cookie=site.cookie("linwangshu")) as doctor:
        doctor.hydrate()
        doctor.answers(1)
        for _ in range(3000):
            tab.send(f"{SHELL}.load")
        begun = time.monotonic()
        doctor.send(f"{SHELL}.load")
        assert doctor.heard.get(timeout=10)
        assert time.monotonic() - begun < 5


class Handler:
    def takes(self, word: str, number: int = 0, several: list[str] | None = None) -> None: ...


@pytest.mark.parametrize(
    ("payload", "right"),
    [
        ({"word": "a"}, True),
        ({"word": "a", "number": "3", "several": None}, True),
        ({"word": "a", "number": 3.0, "several": ["a"]}, True),
        ({}, False),
        ({"word": 1}, False),
        ({"word": None}, False),
        ({"word": "a", "more": 1}, False),
        ({"word": "a", "number": True}, False),
        ({"word": "a", "several": deep(20)}, False),
        (["a"], False),
    ],
)
def test_a_payload_fits_or_not(payload: object, right: bool) -> None:
    assert fits(Handler.takes, payload) is right
