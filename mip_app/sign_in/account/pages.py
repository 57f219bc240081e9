"""`/account`: one's own account, on the PC and on the phone."""

import reflex as rx

from mip_app.accounts.components import picture_fields
from mip_app.core.gate import Open
from mip_app.core.i18n import t
from mip_app.sign_in.account.components import devices, password_part, phone_part, second_factor_part
from mip_app.sign_in.account.state import OwnAccount, ShownPlace, ShownRole
from mip_app.sign_in.external_parts import external_identities
from mip_app.sign_in.external_state import Identities
from mip_app.ui.native import route_link
from mip_app.ui.shell import account_menu, add_page, brand


def add_pages(app: rx.App) -> None:
    add_page(
        app, _account, "/account", "own.page", [OwnAccount.load, Identities.load], needs=Open.TO_SIGNED_IN
    )


def _account() -> rx.Component:
    return rx.fragment(
        rx.el.header(
            route_link(
                "/",
                rx.icon("arrow-left", class_name="ico"),
                aria_label=t("own.back"),
                id="back",
                class_name="btn btn-ghost btn-sm btn-square",
            ),
            route_link("/", brand(), class_name="max-lg:hidden", aria_label="MIP"),
            rx.el.h1(t("own.title"), class_name="text-xl font-semibold lg:text-base lg:font-medium"),
            rx.el.div(class_name="flex-1"),
            account_menu(),
            class_name=(
                "sticky top-0 z-20 flex h-14 items-center gap-3 border-b border-base-300 bg-base-100 px-2 "
                "pt-safe lg:h-12 lg:px-4"
            ),
        ),
        rx.el.main(
            rx.cond(
                OwnAccount.said != "",
                rx.el.p(
                    rx.icon("circle-check", class_name="ico text-success"),
                    t(OwnAccount.said),
                    role="status",
                    id="said",
                    class_name="mb-6 flex items-center gap-2 rounded-field bg-wash px-3 py-2",
                ),
            ),
            _who(),
            _section(
                "own.pictures",
                rx.el.div(
                    picture_fields(
                        OwnAccount.avatar, OwnAccount.signature, on_changed=OwnAccount.picture_changed
                    ),
                    class_name="py-4",
                ),
            ),
            _section("own.security", phone_part(), password_part(), second_factor_part()),
            external_identities(),
            _section("own.devices", devices()),
            class_name="mx-auto min-h-[calc(100dvh-3.5rem)] max-w-2xl bg-base-100 px-4 pt-6 pb-10 lg:px-8",
        ),
    )


def _section(words: str, *content: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.h2(t(words), class_name="pb-2 text-lg font-semibold"),
        rx.el.div(*content, class_name="divide-y divide-base-300 border-y border-base-300"),
        class_name="mt-8",
    )


def _who() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.cond(
                OwnAccount.avatar != "",
                rx.el.img(src=OwnAccount.avatar, alt="", class_name="size-14 rounded-full object-cover"),
                rx.el.span(
                    OwnAccount.name[:1],
                    class_name="grid size-14 place-items-center rounded-full bg-neutral text-xl text-neutral-content",
                    aria_hidden=True,
                ),
            ),
            rx.el.div(
                rx.el.p(OwnAccount.name, class_name="text-xl font-semibold", id="own-name"),
                rx.el.p(
                    rx.cond(OwnAccount.title != "", OwnAccount.title + " · ", ""),
                    rx.el.span(OwnAccount.account, class_name="num"),
                    class_name="text-muted",
                ),
            ),
            class_name="flex items-center gap-4",
        ),
        rx.el.ul(
            rx.foreach(OwnAccount.places, _place), class_name="mt-4 space-y-1.5 text-base", id="own-places"
        ),
    )


def _place(place: rx.Var[ShownPlace]) -> rx.Component:
    return rx.el.li(
        rx.icon("hospital", class_name="ico mt-1 shrink-0 text-muted"),
        rx.el.span(
            rx.cond(place["institution"] != "", place["institution"], t("ui.platform")),
            rx.cond(place["here"], rx.el.span(" · ", t("own.here"), class_name="text-muted")),
            rx.el.span(
                rx.foreach(place["roles"], _role), class_name="flex flex-wrap gap-x-2 text-sm text-muted"
            ),
        ),
        class_name="flex items-start gap-2",
    )


def _role(role: rx.Var[ShownRole]) -> rx.Component:
    return rx.el.span(t(role["key"], fallback=role["name"]))
