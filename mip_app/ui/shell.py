"""The frame of every page: what stands above it, below it, and around it when the network is away."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent
from reflex_base.vars import Var
from reflex_components_core.core.banner import has_connection_errors

from mip_app.core.gate import Open, Rule
from mip_app.core.gate import Tab as TabState
from mip_app.core.http import declare_page
from mip_app.core.i18n import switch_language, t
from mip_app.ui.native import post_form
from mip_app.ui.state import Shell, place_name


class Tab(NoSSRComponent):
    library = rx.asset("tab.jsx", shared=True).importable_path
    tag = "Tab"

    ended: Var[str]
    title: Var[str]


@dataclass
class Frame:
    """What features put into the frame of every page; filled by the composition root before pages are added."""

    load: list[Any] = field(default_factory=list)  # handlers
    place: Callable[[], rx.Component] | None = None  # in the bar of the PC: where one works
    menu: list[Callable[[str], rx.Component]] = field(default_factory=list)  # parts of the account's menu


frame = Frame()


def add_page(
    app: rx.App,
    content: Callable[[], rx.Component],
    route: str,
    title: str,
    on_load: list[Any],
    *,
    needs: Rule,
    theme: str = "mip-light",
) -> None:
    """Add a page that those whom `needs` names may open. `title` is a key of the catalogue."""
    declare_page(route, needs)
    # A page for everybody, or for those who are not in yet, has no frame that knows who is there.
    framed = [] if needs in (Open.TO_ALL, Open.TO_ENTERING) else [Shell.load, *frame.load]

    def page() -> rx.Component:
        return rx.el.div(
            Tab.create(ended=TabState.ended, title=t(title)),
            content(),
            class_name="min-h-dvh bg-base-200 text-base-content",
            custom_attrs={"data-theme": theme},
        )

    page.__name__ = content.__name__
    app.add_page(page, route=route, title="MIP", on_load=[*framed, *on_load])


def offline_line() -> rx.Component:
    """In place of Reflex's own toast: said once, in words, gone when the connection is back."""
    return rx.cond(
        has_connection_errors,
        rx.el.div(
            rx.icon("wifi-off", class_name="ico"),
            t("ui.offline"),
            role="status",
            class_name=(
                "fixed inset-x-0 bottom-0 z-50 flex items-center gap-2 border-t border-base-300 bg-wash-warn "
                "px-4 py-2.5 pb-safe text-sm text-warning [body:has([data-says-offline])_&]:hidden"
            ),
            custom_attrs={"data-theme": "mip-light", "data-offline": "true"},
        ),
    )


def brand(**props: Any) -> rx.Component:
    return rx.el.span(
        rx.el.img(src="/mark.svg", alt="", class_name="size-6"),
        rx.el.span("MIP", class_name="text-xl font-semibold"),
        class_name="flex flex-none items-center gap-2",
        **props,
    )


def language_button(
    class_name: str = "btn btn-ghost btn-sm text-muted", element_id: str = "language"
) -> rx.Component:
    return rx.el.button(
        rx.icon("languages", class_name="ico"),
        t("ui.other_language"),
        type="button",
        on_click=switch_language(),
        class_name=class_name,
        id=element_id,
    )


def nav_link(key: str, href: str, current: bool) -> rx.Component:
    here = "relative flex h-12 items-center font-medium after:absolute after:inset-x-0 after:bottom-0 after:h-0.5 after:bg-primary"
    away = "flex h-12 items-center text-muted hover:text-base-content"
    return rx.el.a(
        t(key), href=href, aria_current="page" if current else None, class_name=here if current else away
    )


def account_menu(device: str = "") -> rx.Component:
    """`device` keeps the ids of the phone's menu apart from those of the PC's."""
    return rx.el.details(
        rx.el.summary(
            rx.el.span(
                Shell.name[:1],
                class_name="grid size-7 place-items-center rounded-full bg-neutral text-sm text-neutral-content",
            ),
            rx.el.span(Shell.name, class_name="max-lg:hidden"),
            class_name="btn btn-ghost btn-sm gap-2 px-1.5",
            aria_label=t("ui.account_menu"),
            id=device + "account-menu",
        ),
        rx.el.div(
            rx.el.p(Shell.name, class_name="px-3 pt-2 font-medium"),
            rx.el.p(place_name(), class_name="px-3 pb-2 text-sm text-muted"),
            *(part(device) for part in frame.menu),
            rx.el.a(
                rx.icon("circle-user-round", class_name="ico"),
                t("ui.own_account"),
                href="/account",
                id=device + "own-account",
                class_name="btn btn-ghost btn-sm w-full justify-start",
            ),
            language_button("btn btn-ghost btn-sm w-full justify-start", device + "language"),
            post_form(
                "/auth/logout",
                rx.el.button(
                    rx.icon("log-out", class_name="ico"),
                    t("ui.sign_out"),
                    type="submit",
                    id=device + "sign-out",
                    class_name="btn btn-ghost btn-sm w-full justify-start",
                ),
            ),
            class_name="dropdown-content z-30 mt-1 w-56 rounded-box border border-base-300 bg-base-100 p-1 shadow-sheet",
        ),
        class_name="dropdown dropdown-end",
    )


def place_in_bar() -> rx.Component:
    """Where one works, on the PC; with a switch where the composition root has put one."""
    if frame.place:
        return frame.place()
    return rx.el.span(
        rx.icon("hospital", class_name="ico text-muted"),
        place_name(),
        class_name="flex items-center gap-1.5 text-sm whitespace-nowrap",
    )


def top_bar(current: str, *middle: rx.Component) -> rx.Component:
    """The bar of list pages on the PC; `current` is the key of the page's own entry."""
    return rx.el.header(
        rx.el.a(brand(), href="/studies", class_name="mr-2", aria_label="MIP"),
        rx.el.nav(
            nav_link("nav.studies", "/studies", current == "nav.studies"),
            class_name="flex gap-5",
            aria_label=t("ui.main_navigation"),
        ),
        rx.el.div(class_name="flex-1"),
        *middle,
        place_in_bar(),
        account_menu(),
        class_name=(
            "sticky top-0 z-20 hidden h-12 items-center gap-4 border-b border-base-300 bg-base-100 px-4 lg:flex"
        ),
    )


def phone_bar(title: str, *acts: rx.Component) -> rx.Component:
    """The bar of list pages on the phone; `title` is a key of the catalogue."""
    return rx.el.header(
        rx.el.div(
            rx.el.div(
                rx.el.p(t(title), class_name="truncate text-xl leading-6 font-semibold"),
                rx.el.p(place_name(), class_name="truncate text-xs text-muted"),
                class_name="min-w-0 flex-1",
            ),
            *acts,
            account_menu("phone-"),
            class_name="flex h-14 items-center gap-1 pr-2 pl-4",
        ),
        class_name="sticky top-0 z-20 border-b border-base-300 bg-base-100 pt-safe lg:hidden",
    )
