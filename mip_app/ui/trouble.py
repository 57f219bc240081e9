"""What a page says when something went wrong that nobody foresaw."""

import reflex as rx
from reflex_base.event import EventSpec

from mip_app.core.errors import MipError
from mip_app.core.gate import Open, event
from mip_app.core.i18n import t
from mip_app.core.logs import note
from mip_app.core.texts import catalogue


def said_aloud(exception: Exception) -> EventSpec:
    """Reflex's handler for what no state caught: the page says why, or that something went wrong and its number."""
    if isinstance(exception, MipError):
        return Trouble.say("-", exception.code)
    return Trouble.say(note(exception))


class Trouble(rx.State):
    number: str = ""
    code: str = ""

    @event(Open.TO_ALL)
    async def say(self, number: str, code: str = ""):
        self.code = code if code in catalogue("zh") and not _has_places(code) else ""
        self.number = number if isinstance(number, str) and number.isalnum() and len(number) <= 12 else "-"

    @event(Open.TO_ALL)
    async def dismiss(self):
        self.number = ""


def _has_places(code: str) -> bool:
    # What would fill them is not known here.
    return "{" in catalogue("zh")[code]


def trouble_line() -> rx.Component:
    return rx.cond(
        Trouble.number != "",
        rx.el.div(
            rx.icon("circle-alert", class_name="ico text-error"),
            rx.el.span(
                rx.cond(Trouble.code != "", t(Trouble.code), t("error.unexpected", number=Trouble.number))
            ),
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
        ),
    )
