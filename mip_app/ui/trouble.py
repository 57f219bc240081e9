"""What a page says when something was refused, or went wrong in a way that nobody foresaw."""

import reflex as rx
from reflex_base.event import EventSpec
from reflex_base.event.context import EventContext

from mip_app.core.errors import MipError
from mip_app.core.gate import Open, Tab, event
from mip_app.core.i18n import t
from mip_app.core.logs import note
from mip_app.core.texts import catalogue

_SAID = "mip_trouble_said"


def said_aloud(exception: Exception) -> EventSpec | None:
    """Reflex's handler for what no state caught: the page says what it was, or a number when nobody foresaw it."""
    if _was_said():
        note(exception)
        return None
    for kind in type(exception).__mro__ if isinstance(exception, MipError) else ():
        code = exception.code if kind is type(exception) else getattr(kind, "code", "")  # type: ignore[attr-defined]
        if _stands_alone(code):
            return Trouble.tell(code)
    return Trouble.say(note(exception))


def _was_said() -> bool:
    """Whether something went wrong before on the way from one click: saying that may be what fails, for ever."""
    # What an event brings on inherits where it came from; the sender may have made that up.
    try:
        of_click: object = EventContext.get().router_data
    except LookupError:  # outside of any event
        return False
    if not isinstance(of_click, dict):
        return True
    said = _SAID in of_click
    of_click[_SAID] = True
    return said


def _stands_alone(code: object) -> bool:
    """Whether it is a code whose words need nothing filled in: what would fill them is not known here."""
    return isinstance(code, str) and code != MipError.code and "{" not in catalogue("zh").get(code, "{")


class Trouble(rx.State):
    number: str = ""
    code: str = ""

    @event(Open.TO_ALL)
    async def say(self, number: str):
        self.number = number if isinstance(number, str) and number.isalnum() and len(number) <= 12 else "?"

    @event(Open.TO_ALL)
    async def tell(self, code: str):
        self.code = code if _stands_alone(code) else ""

    @event(Open.TO_ALL)
    async def dismiss(self):
        self.number = self.code = ""
        # Assigned anew it travels: what the gate told is on the page alone, not here.
        (await self.get_state(Tab)).refused = ""


def trouble_line() -> rx.Component:
    """One line above the page: something went wrong, or was refused."""
    return rx.cond(
        Trouble.number != "",
        _line("circle-alert", t("error.unexpected", number=Trouble.number)),
        rx.cond(
            Tab.refused != "",
            _line("lock", t("error.not_permitted")),
            rx.cond(Trouble.code != "", _line("circle-alert", t(Trouble.code))),
        ),
    )


def _line(icon: str, text: rx.Var[str]) -> rx.Component:
    return rx.el.div(
        rx.icon(icon, class_name="ico shrink-0 text-error"),
        rx.el.span(text),
        rx.el.button(
            rx.icon("x", class_name="ico"),
            on_click=Trouble.dismiss,
            aria_label=t("ui.close"),
            class_name="btn btn-ghost btn-sm btn-square",
        ),
        role="alert",
        class_name=(
            "fixed inset-x-0 bottom-14 z-50 mx-auto flex w-max max-w-[92vw] items-center gap-3 rounded-box "
            "bg-neutral py-2 pl-4 pr-2 text-neutral-content shadow-sheet"
        ),
        custom_attrs={"data-theme": "mip-dark"},
    )
