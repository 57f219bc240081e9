"""`/bind`: whose is the WeChat or WeCom account that was just used in this browser?

Asked, and not done at once: somebody else may have scanned at this computer a minute ago.
"""

import reflex as rx

from mip_app.core.actor import Open
from mip_app.core.i18n import t
from mip_app.sign_in.external_api import BIND_PAGE
from mip_app.sign_in.external_parts import provider_name
from mip_app.sign_in.external_state import BindPage
from mip_app.ui.native import post_form
from mip_app.ui.shell import add_page, brand
from mip_app.ui.state import Shell, place_name


def add_pages(app: rx.App) -> None:
    add_page(app, _bind, BIND_PAGE, "external.bind_page", [BindPage.load], needs=Open.TO_SIGNED_IN)


def _bind() -> rx.Component:
    return rx.el.main(
        rx.el.div(
            rx.el.header(
                brand(),
                rx.el.span(Shell.name, " · ", place_name(), class_name="truncate text-sm text-muted"),
                class_name="flex items-center justify-between gap-3",
            ),
            rx.match(BindPage.phase, ("", rx.fragment()), ("ask", _question()), _over()),
            class_name=(
                "w-full max-w-md bg-base-100 px-6 py-8 max-sm:min-h-dvh sm:rounded-box sm:border "
                "sm:border-base-300 sm:p-10"
            ),
        ),
        class_name="grid min-h-dvh place-items-center max-sm:place-items-stretch",
    )


def _question() -> rx.Component:
    name = provider_name(BindPage.provider)
    return rx.fragment(
        rx.el.h1(t("external.bind_title", provider=name), class_name="mt-8 text-2xl font-semibold"),
        rx.el.p(t("external.bind_more", provider=name, name=Shell.name), class_name="mt-2 text-muted"),
        rx.el.p(t("external.bind_whose", provider=name), class_name="mt-2 text-muted"),
        post_form(
            "/auth/bind",
            rx.el.input(type="hidden", name="next", value=BindPage.next),
            rx.el.button(
                t("external.bind"),
                type="submit",
                name="accept",
                value="true",
                id="bind",
                class_name="btn btn-primary w-full",
            ),
            rx.el.button(
                t("external.do_not_bind"), type="submit", id="do-not-bind", class_name="btn btn-ghost w-full"
            ),
            class_name="mt-8 flex flex-col gap-2",
        ),
    )


def _over() -> rx.Component:
    return rx.fragment(
        rx.el.p(
            rx.icon("circle-alert", class_name="ico shrink-0"),
            t(BindPage.phase, provider=provider_name(BindPage.provider)),
            role="alert",
            class_name="mt-8 flex items-center gap-2 rounded-field bg-wash-error px-3 py-2 text-error",
        ),
        rx.el.a(t("external.go_on"), href=BindPage.next, id="go-on", class_name="btn mt-6 w-full"),
    )
