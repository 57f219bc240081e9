"""What a page says when something went wrong that nobody foresaw."""

import reflex as rx
from reflex_base.event import EventSpec

from mip_app.core.gate import Open, Tab, event
from mip_app.core.i18n import t
from mip_app.core.logs import note


def said_aloud(exception: Exception) -> EventSpec:
    """Reflex's handler for what no state caught: the page says that something went wrong, and its number."""
    return Trouble.say(note(exception))


class Trouble(rx.State):
    number: str = ""

    @event(Open.TO_ALL)
    async def say(self, number: str):
        self.number = number if isinstance(number, str) and number.isalnum() and len(number) <= 12 else "?"

    @event(Open.TO_ALL)
    async def dismiss(self):
        self.number = ""
        # Assigned anew it travels: what the gate told is on the page alone, not here.
        (await self.get_state(Tab)).refused = ""


def trouble_line() -> rx.Component:
    """One line above the page: something went wrong, or the gate refused what was asked."""
    return rx.cond(
        Trouble.number != "",
        _line("circle-alert", t("error.unexpected", number=Trouble.number)),
        rx.cond(Tab.refused != "", _line("lock", t("error.not_permitted"))),
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
