"""The frame of the administration's pages: top bar, the areas at the left, the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.ui.shell import account_menu, add_page, brand, place_in_bar
from mip_app.ui.state import may


@dataclass(frozen=True, slots=True)
class Area:
    """One entry of the navigation; who lacks the permission does not see it."""

    title: str  # a key of the catalogue
    route: str
    icon: str
    needs: Permission


AREAS = (
    Area("admin.alliances", "/admin/alliances", "network", Permission.ADMIN_ALLIANCES),
    Area("admin.institutions", "/admin/institutions", "hospital", Permission.ADMIN_INSTITUTIONS),
    Area("admin.institution", "/admin/institution", "hospital", Permission.ADMIN_INSTITUTION),
    Area("admin.doctors", "/admin/doctors", "users-round", Permission.ADMIN_ACCOUNTS),
    Area("admin.departments", "/admin/departments", "door-open", Permission.ADMIN_ACCOUNTS),
    Area("admin.roles", "/admin/roles", "shield", Permission.ADMIN_ROLES),
    Area("admin.nodes", "/admin/nodes", "radio-tower", Permission.ADMIN_NODES),
    Area("admin.data", "/admin/data", "database", Permission.ADMIN_DATA),
    Area("admin.audit", "/admin/audit", "scroll-text", Permission.AUDIT_READ),
)


class InSight(rx.NoSSRComponent):
    """Scrolls what it stands in into sight: on a phone the areas are a line longer than the screen."""

    library = rx.asset("in_sight.jsx", shared=True).importable_path
    tag = "InSight"


def add_admin_page(
    app: rx.App,
    content: Callable[[], rx.Component],
    route: str,
    title: str,
    on_load: list[Any],
    *,
    needs: Permission,
) -> None:
    """Add a page of the administration. `content` has its own head, see `page_head`."""

    def page() -> rx.Component:
        return rx.fragment(
            _top_bar(),
            rx.el.div(
                _areas(title),
                rx.el.main(content(), class_name="min-h-[calc(100dvh-3rem)] min-w-0 flex-1 bg-base-100"),
                class_name="lg:flex",
            ),
        )

    page.__name__ = content.__name__
    add_page(app, page, route, title, on_load, needs=needs)


def page_head(title: str, *acts: rx.Component) -> rx.Component:
    """The head of a page: its title, and what can be done on it."""
    return rx.el.header(
        rx.el.h1(t(title), class_name="text-xl font-semibold"),
        rx.el.div(class_name="flex-1"),
        *acts,
        class_name="flex min-h-14 flex-wrap items-center justify-end gap-2 border-b border-base-300 px-4 py-2 lg:px-6",
    )


def loading() -> rx.Component:
    """In place of a page's content until it is there."""
    return rx.el.div(class_name="skeleton m-4 h-40 rounded-box lg:m-6", aria_busy=True)


def _top_bar() -> rx.Component:
    return rx.el.header(
        rx.el.a(brand(), href="/admin", class_name="mr-2 flex pointer-coarse:h-11", aria_label="MIP"),
        rx.el.span(t("admin.title"), class_name="font-medium whitespace-nowrap"),
        rx.el.div(class_name="flex-1"),
        rx.el.div(place_in_bar(), class_name="max-lg:hidden"),
        account_menu(),
        class_name=(
            "sticky top-0 z-20 flex min-h-12 items-center gap-3 border-b border-base-300 bg-base-100 px-4 pt-safe"
        ),
    )


def _areas(current: str) -> rx.Component:
    """At the left on the PC, a line to scroll on the phone."""
    return rx.el.nav(
        *(rx.cond(may(area.needs), _area(area, area.title == current)) for area in AREAS),
        aria_label=t("admin.title"),
        class_name=(
            "flex gap-1 border-base-300 bg-base-100 p-2 max-lg:overflow-x-auto max-lg:border-b max-lg:scroll-quiet "
            "lg:sticky lg:top-12 lg:h-[calc(100dvh-3rem)] lg:w-48 lg:shrink-0 lg:flex-col lg:overflow-y-auto lg:border-r"
        ),
    )


def _area(area: Area, current: bool) -> rx.Component:
    here = "bg-wash font-medium text-primary" if current else "hover:bg-base-200"
    return rx.el.a(
        rx.icon(area.icon, class_name="ico"),
        t(area.title),
        *([InSight.create()] if current else []),
        href=area.route,
        aria_current="page" if current else None,
        class_name=f"flex h-9 items-center gap-2.5 rounded-field px-2.5 whitespace-nowrap pointer-coarse:h-11 {here}",
    )
