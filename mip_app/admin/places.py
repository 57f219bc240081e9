"""A list of alliances or institutions, and the drawer of one of them."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.ui.modal import Modal


def places(rows: Any, line: Callable[[Any], rx.Component]) -> rx.Component:
    return rx.el.ul(rx.foreach(rows, line), id="places")


def place(one: Any, on_open: Any, *figures: rx.Component) -> rx.Component:
    """One line: the whole of it opens the drawer."""
    return rx.el.li(
        rx.el.button(
            rx.el.span(
                rx.el.span(one["name"], class_name="block truncate font-medium"),
                rx.cond(
                    one["name_en"] != "",
                    rx.el.span(one["name_en"], class_name="block truncate text-sm text-muted"),
                ),
                class_name="min-w-0 flex-1 text-left",
            ),
            rx.el.span(
                *figures,
                rx.cond(one["disabled"], rx.el.span(t("admin.state_disabled"), class_name="text-error")),
                class_name="flex flex-wrap gap-x-5 text-sm text-muted lg:w-1/2",
            ),
            rx.icon("chevron-right", class_name="ico text-muted"),
            type="button",
            on_click=on_open,
            class_name="flex min-h-14 w-full flex-wrap items-center gap-x-4 px-4 py-2 hover:bg-base-200 lg:px-6",
        ),
        class_name="border-b border-base-300/70",
        custom_attrs={"data-place": one["name"]},
    )


def drawer(state: Any, *body: rx.Component) -> rx.Component:
    """From the right on the PC, from below on the phone. `state` has `one`, and the handler hide."""
    is_open = state.one["id"] != 0
    return Modal.create(
        rx.cond(
            is_open,
            rx.el.div(
                rx.el.header(
                    rx.el.h2(state.one["name"], class_name="min-w-0 flex-1 truncate text-lg font-semibold"),
                    rx.el.button(
                        rx.icon("x", class_name="ico text-lg"),
                        type="button",
                        id="hide-place",
                        on_click=state.hide,
                        aria_label=t("ui.close"),
                        class_name="btn btn-ghost btn-sm btn-square pointer-coarse:size-11",
                    ),
                    class_name="flex h-12 flex-none items-center gap-2 border-b border-base-300 pr-2 pl-5",
                ),
                rx.el.div(
                    *body,
                    key=state.one["id"].to(str),
                    class_name="min-h-0 flex-1 overflow-y-auto px-5 py-4 scroll-quiet",
                ),
                class_name="flex h-full flex-col max-lg:max-h-[82dvh]",
            ),
        ),
        open=is_open,
        fault="",
        on_closed=state.hide,
        id="place",
        custom_attrs={"aria-label": state.one["name"]},
        class_name="lg:drawer-r max-lg:sheet",
    )


def state_acts(state: Any, disable: str, enable: str) -> rx.Component:
    """Closing the whole of it, or opening it again."""
    return rx.el.div(
        rx.cond(
            state.one["disabled"],
            rx.el.button(
                t(enable), type="button", id="enable-place", on_click=state.enable, class_name="btn"
            ),
            rx.el.button(
                t(disable),
                type="button",
                id="disable-place",
                on_click=state.ask_disable,
                class_name="btn btn-ghost text-error",
            ),
        ),
        class_name="mt-8 border-t border-base-300 pt-4",
    )
