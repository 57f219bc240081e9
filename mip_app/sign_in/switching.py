"""The switch between institutions, and between the two sides of the product: in the bar, and in the menu."""

import reflex as rx

from mip_app.core.actor import Side
from mip_app.core.i18n import t
from mip_app.sign_in.places_state import Offer, Places
from mip_app.ui.native import post_form
from mip_app.ui.state import named_place, place_name


def in_bar() -> rx.Component:
    """On the PC: the institution, a menu where there are several, and the way to the other side."""
    where = rx.fragment(
        rx.icon("hospital", class_name="ico text-muted"),
        rx.el.span(place_name(), class_name="truncate"),
    )
    return rx.el.div(
        rx.foreach(Places.across, lambda offer: _cross(offer, "", "btn btn-ghost btn-sm font-normal")),
        rx.cond(
            Places.elsewhere.length() > 0,
            rx.el.details(
                rx.el.summary(
                    where,
                    rx.icon("chevron-down", class_name="ico text-muted"),
                    id="places",
                    class_name="btn btn-ghost btn-sm max-w-72 gap-1.5 font-normal",
                ),
                rx.el.div(
                    rx.el.p(t("places.switch"), class_name="px-3 pt-1.5 pb-1 text-sm text-muted"),
                    _elsewhere(""),
                    class_name="dropdown-content z-30 mt-1 w-72 rounded-box border border-base-300 bg-base-100 p-1 shadow-sheet",
                ),
                class_name="dropdown dropdown-end",
            ),
            rx.el.span(where, class_name="flex min-w-0 items-center gap-1.5 text-sm whitespace-nowrap"),
        ),
        class_name="flex items-center gap-2",
    )


def in_menu(device: str) -> rx.Component:
    """On the phone: the same, within the account's menu."""
    return rx.el.div(
        rx.cond(
            Places.elsewhere.length() > 0,
            rx.el.div(
                rx.el.p(t("places.switch"), class_name="px-3 pt-1 text-sm text-muted"),
                _elsewhere(device),
                class_name="mb-1 border-y border-base-300 py-1",
            ),
        ),
        rx.foreach(
            Places.across,
            lambda offer: _cross(
                offer, device + "menu-", "btn btn-ghost btn-sm w-full justify-start font-medium"
            ),
        ),
        class_name="lg:hidden",
    )


def _elsewhere(device: str) -> rx.Component:
    def one(offer: rx.Var[Offer]) -> rx.Component:
        name = named_place(offer["name"], offer["name_en"])
        return _switch(
            offer,
            rx.icon("hospital", class_name="ico text-muted"),
            rx.el.span(rx.cond(name != "", name, t("ui.platform")), class_name="truncate"),
            title=name,
            class_name="btn btn-ghost btn-sm w-full justify-start font-normal",
            custom_attrs={"data-place": device + "place"},
        )

    return rx.foreach(Places.elsewhere, one)


def _cross(offer: rx.Var[Offer], device: str, class_name: str) -> rx.Component:
    to_admin = offer["side"] == Side.ADMIN.value
    return _switch(
        offer,
        rx.cond(to_admin, rx.icon("shield", class_name="ico"), rx.icon("monitor-check", class_name="ico")),
        rx.cond(to_admin, t("places.to_admin"), t("places.to_work")),
        class_name=class_name,
        id=device + "other-side",
    )


def _switch(offer: rx.Var[Offer], *children: object, **props: object) -> rx.Component:
    return post_form(
        "/auth/switch",
        rx.el.input(type="hidden", name="membership", value=offer["membership"]),
        rx.el.input(type="hidden", name="side", value=offer["side"]),
        rx.el.button(*children, type="submit", **props),
    )
