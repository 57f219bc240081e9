"""Pages that belong to no feature."""

import reflex as rx

from mip_app.core.gate import Open
from mip_app.core.http import FORBIDDEN
from mip_app.core.i18n import t
from mip_app.ui.native import post_form, route_link
from mip_app.ui.shell import add_page, brand


def add_pages(app: rx.App) -> None:
    add_page(app, _forbidden, FORBIDDEN, "forbidden.title", [], needs=Open.TO_SIGNED_IN)


def _forbidden() -> rx.Component:
    """Where the guard leads whoever opens a page that their role does not allow."""
    return rx.el.main(
        brand(),
        rx.el.div(
            rx.icon("lock", class_name="size-6 text-muted"),
            rx.el.h1(t("forbidden.title"), class_name="text-xl font-semibold"),
            rx.el.p(t("forbidden.what_to_do"), class_name="text-muted"),
            rx.el.div(
                route_link("/", t("forbidden.home"), class_name="btn", id="go-home"),
                post_form(
                    "/auth/logout",
                    rx.el.button(t("ui.sign_out"), type="submit", class_name="btn btn-ghost", id="sign-out"),
                ),
                class_name="mt-2 flex gap-2",
            ),
            class_name="mt-10 flex flex-col items-start gap-2",
        ),
        class_name="mx-auto min-h-dvh max-w-xl bg-base-100 px-6 py-8",
    )
