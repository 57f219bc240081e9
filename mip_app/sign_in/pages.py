"""`/login`, and `/approve` where a phone lets a computer in."""

import reflex as rx

from mip_app.core.gate import Open
from mip_app.core.http import declare_page
from mip_app.core.i18n import language, switch_language, t
from mip_app.sign_in import approval, forms
from mip_app.sign_in.external_parts import external_notice
from mip_app.sign_in.external_state import External
from mip_app.sign_in.state import Approval, SignIn
from mip_app.ui.shell import Tab, add_page, brand

PORTRAITS = ("ct-lung", "mr-brain", "ct-head", "ct-chest")


def add_pages(app: rx.App) -> None:
    declare_page("/login", Open.TO_ALL)
    app.add_page(login, route="/login", title="MIP", on_load=[SignIn.load, External.load])
    add_page(app, approval.approve, "/approve", "approve.page", [Approval.load], needs=Open.TO_SIGNED_IN)


def login() -> rx.Component:
    return rx.el.main(
        Tab.create(ended="", title=t("sign_in.page")),
        forms.Keep.create(),
        forms.early(),
        _images(),
        rx.el.section(
            rx.el.header(brand(), _languages(), class_name="flex items-center justify-between pt-safe"),
            rx.el.div(
                _head(),
                forms.messages(),
                external_notice(),
                forms.choice(),
                rx.el.div(forms.by_password(), forms.by_qr(), class_name="min-h-84"),
                forms.external(),
                class_name="my-auto py-8",
            ),
            _foot(),
            class_name="flex min-h-dvh flex-col bg-base-100 px-6 py-8 sm:px-16",
        ),
        class_name="group/login grid min-h-dvh bg-base-100 lg:grid-cols-[1fr_30rem]",
        custom_attrs={"data-theme": "mip-light"},
    )


def _head() -> rx.Component:
    """The two sides have a title and a line of their own; which one stands is the switch's at the foot."""
    doctors = "group-has-[#admin:checked]/login:hidden"
    admins = "hidden group-has-[#admin:checked]/login:block"
    rules = rx.cond(
        SignIn.second_factor,
        t("sign_in.admin_rules_second_factor", minutes=SignIn.idle_minutes),
        t("sign_in.admin_rules", minutes=SignIn.idle_minutes),
    )
    return rx.fragment(
        rx.el.div(
            rx.el.h1(t("sign_in.title"), class_name="text-2xl font-semibold"),
            rx.el.p(t("sign_in.subtitle"), class_name="mt-1 text-muted"),
            class_name=doctors,
        ),
        rx.el.div(
            rx.el.h1(t("sign_in.admin_title"), class_name="text-2xl font-semibold"),
            rx.el.p(rules, class_name="mt-1 text-muted"),
            class_name=admins,
        ),
    )


def _foot() -> rx.Component:
    return rx.el.footer(
        rx.el.span(t("sign_in.no_account"), class_name="min-w-0"),
        rx.el.label(
            # Part of the form above: what the form posts and what the page shows is one switch.
            rx.el.input(
                type="checkbox",
                id="admin",
                name="side",
                value="admin",
                form=forms.FORM,
                class_name="peer sr-only",
            ),
            rx.icon("shield", class_name="ico"),
            rx.el.span(t("sign_in.to_admin"), class_name="group-has-[#admin:checked]/login:hidden"),
            rx.el.span(t("sign_in.to_work"), class_name="hidden group-has-[#admin:checked]/login:inline"),
            class_name=(
                "ml-auto flex min-h-11 flex-none cursor-pointer items-center gap-1.5 rounded-field text-primary "
                "has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-primary"
            ),
        ),
        class_name="flex items-center gap-4 text-sm text-muted",
    )


def _images() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.img(src=f"/portraits/{name}.webp", alt="", class_name="size-full object-cover opacity-80")
            for name in PORTRAITS
        ),
        aria_hidden=True,
        class_name="hidden h-dvh grid-cols-2 grid-rows-2 gap-px overflow-hidden bg-black lg:sticky lg:top-0 lg:grid [&>img]:min-h-0",
    )


def _languages() -> rx.Component:
    def choice(code: str, name: str) -> rx.Component:
        return rx.el.button(
            name,
            type="button",
            lang=code,
            on_click=switch_language(code),
            aria_pressed=language() == code,
            class_name=(
                "min-h-9 cursor-pointer px-2 text-sm text-muted hover:text-base-content "
                "aria-pressed:text-base-content pointer-coarse:min-h-11"
            ),
        )

    return rx.el.div(
        choice("zh", "简体中文"),
        rx.el.span(aria_hidden=True, class_name="h-3 w-px bg-base-300"),
        choice("en", "English"),
        class_name="-mr-2 flex items-center",
    )
