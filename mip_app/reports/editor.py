"""The text areas in the browser, and what the rest of the page sees and asks of them."""

from typing import Any

import reflex as rx
from reflex.event import EventChain
from reflex_base.vars import VarData

_DESK = rx.asset("desk.js", shared=True).importable_path
_EDITOR = rx.asset("editor.jsx", shared=True).importable_path

# As in editor.jsx.
ACTS = (
    "take",
    "take_over",
    "renew",
    "autosave",
    "save",
    "keep",
    "sign",
    "review",
    "give_back",
    "amend",
    "drop_amendment",
)


def _sent(payload: rx.Var[Any]) -> list[rx.Var[Any]]:
    """{uid, fence, revision, findings, impression, ask}; the answer comes back in `answer`."""
    return [payload]


class Desk(rx.NoSSRComponent):
    """Holds the text, takes the lock at the first key, autosaves, recovers. Shows nothing."""

    library = _EDITOR
    tag = "Desk"

    uid: rx.Var[str]
    me: rx.Var[int]
    text: rx.Var[Any]
    lock: rx.Var[Any]
    can: rx.Var[list[str]]
    answer: rx.Var[Any]
    offline: rx.Var[bool]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {f"on_{name}": _sent for name in ACTS}


class Field(rx.NoSSRComponent):
    """One text area, `findings` or `impression`."""

    library = _EDITOR
    tag = "Field"

    name: rx.Var[str]
    label: rx.Var[str]
    placeholder: rx.Var[str]
    limit: rx.Var[int]


def desk(name: str, type_: type = str) -> Any:
    """What the browser knows of the text under the writer's hands (`shown` of desk.js)."""
    needs = VarData(imports={_DESK: [rx.ImportVar(tag="useDesk")]}, hooks={"const desk = useDesk()": None})
    return rx.Var(_js_expr=f"desk.{name}", _var_type=type_, _var_data=needs).to(type_)


def clock(lock: rx.Var[Any], name: str, type_: type = str) -> Any:
    """Of a lock, by the second: `left` (1:47), `expiring`, `idle` (minutes since the last input)."""
    needs = VarData(
        imports={_DESK: [rx.ImportVar(tag="useLockClock")]},
        hooks={f"const clock = useLockClock({lock!s})": None},
    )
    data = VarData.merge(lock._get_all_var_data(), needs)
    return rx.Var(_js_expr=f"clock.{name}", _var_type=type_, _var_data=data).to(type_)


def wide() -> rx.Var[bool]:
    """Whether the window is a PC's: what only a PC shows is not loaded on a phone."""
    needs = VarData(imports={_DESK: [rx.ImportVar(tag="useWide")]}, hooks={"const wide = useWide()": None})
    return rx.Var(_js_expr="wide", _var_type=bool, _var_data=needs).to(bool)


def act(name: str, closes: str = "", needs: str = "", **extra: str) -> rx.Var[EventChain]:
    """On click: send the text as it stands now, for `name` (an act of Desk), and close a dialog.

    Nothing is sent while the field `needs` is empty. Values of `extra` are JavaScript: see `value_of`.
    """
    more = ", ".join(f"{key}: {value}" for key, value in extra.items())
    close = f"closeDialog({closes!r}); " if closes else ""
    first = f"if (!filled({needs!r})) return; " if needs else ""
    tags = [tag for tag, used in (("closeDialog", closes), ("filled", needs)) if used]
    return _call(f"{{ {first}act({name!r}, {{{more}}}); {close}}}", "act", *tags, *_used(extra))


def _used(extra: dict[str, str]) -> list[str]:
    return ["valueOf"] if any("valueOf" in value for value in extra.values()) else []


def value_of(element_id: str) -> str:
    return f"valueOf({element_id!r})"


def call(function: str) -> rx.Var[EventChain]:
    """On click, one of desk.js: edit, restore, discard, dismiss."""
    return _call(f"{function}()", function)


def put(findings: rx.Var[str], impression: rx.Var[str]) -> rx.Var[EventChain]:
    """On click: other words in place of these, as if typed."""
    return _call(
        f"put({{findings: {findings!s}, impression: {impression!s}}})", "put", of=(findings, impression)
    )


def show(dialog: str) -> rx.Var[EventChain]:
    return _call(f"openDialog({dialog!r})", "openDialog")


def close(dialog: str) -> rx.Var[EventChain]:
    return _call(f"closeDialog({dialog!r})", "closeDialog")


def _call(body: str, *functions: str, of: tuple[rx.Var[Any], ...] = ()) -> rx.Var[EventChain]:
    imports = VarData(imports={_DESK: [rx.ImportVar(tag=name) for name in functions]})
    data = VarData.merge(imports, *(var._get_all_var_data() for var in of))
    return rx.Var(_js_expr=f"(() => {body})", _var_type=EventChain, _var_data=data)
