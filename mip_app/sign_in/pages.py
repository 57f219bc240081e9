"""The sign-in page."""

import reflex as rx

from mip_app.core.gate import Open
from mip_app.core.http import declare_page
from mip_app.core.i18n import language, switch_language, t
from mip_app.sign_in.external_parts import external_buttons, external_notice
from mip_app.sign_in.external_state import External
from mip_app.sign_in.state import SignIn
from mip_app.ui.native import post_form
from mip_app.ui.shell import Tab, brand

PORTRAITS = ("ct-lung", "mr-brain", "ct-head", "ct-chest")


def add_pages(app: rx.App) -> None:
    declare_page("/login", Open.TO_ALL)
    app.add_page(login, route="/login", title="MIP", on_load=[SignIn.load, External.load])


def login() -> rx.Component:
    return rx.el.main(
        Tab.create(ended="", title=t("sign_in.page")),
        _images(),
        rx.el.section(
            rx.el.header(brand(), _languages(), class_name="flex items-center justify-between"),
            rx.el.div(
                rx.el.h1(t("sign_in.title"), class_name="text-2xl font-semibold"),
                rx.el.p(t("sign_in.subtitle"), class_name="mt-1 text-muted"),
                _messages(),
                external_notice(),
                _form(),
                external_buttons(),
                class_name="my-auto py-8",
            ),
            rx.el.footer(t("sign_in.no_account"), class_name="text-sm text-muted"),
            class_name="flex min-h-dvh flex-col bg-base-100 px-6 py-8 sm:px-16",
        ),
        class_name="grid min-h-dvh bg-base-100 lg:grid-cols-[1fr_30rem]",
        custom_attrs={"data-theme": "mip-light"},
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
            class_name="btn btn-ghost btn-sm px-2 text-muted aria-pressed:text-base-content",
        )

    return rx.el.div(choice("zh", "简体中文"), choice("en", "English"), class_name="flex")


def _messages() -> rx.Component:
    return rx.el.div(
        rx.cond(
            SignIn.refused != "",
            rx.el.p(
                rx.icon("circle-alert", class_name="ico"),
                t(SignIn.refused, minutes=SignIn.minutes),
                role="alert",
                class_name="flex items-center gap-2 rounded-field bg-wash-error px-3 py-2 text-error",
            ),
            rx.cond(
                SignIn.ended,
                rx.el.p(
                    rx.icon("info", class_name="ico"),
                    t("sign_in.ended"),
                    role="status",
                    class_name="flex items-center gap-2 rounded-field bg-wash px-3 py-2",
                ),
            ),
        ),
        class_name="mt-4 min-h-9",
    )


def _form() -> rx.Component:
    return post_form(
        "/auth/login",
        _field(
            "account",
            "sign_in.account",
            rx.el.input(
                id="account",
                name="account",
                required=True,
                max_length=100,
                auto_complete="username",
                auto_capitalize="none",
                spell_check=False,
                auto_focus=True,
                class_name="input w-full",
            ),
        ),
        _field(
            "password",
            "sign_in.password",
            rx.el.input(
                id="password",
                name="password",
                type="password",
                required=True,
                max_length=200,
                auto_complete="current-password",
                class_name="input w-full",
            ),
        ),
        rx.el.label(
            rx.el.input(type="checkbox", name="keep", value="true", class_name="checkbox checkbox-sm"),
            t("sign_in.keep"),
            class_name="flex min-h-9 items-center gap-2 pointer-coarse:min-h-11",
        ),
        rx.el.button(
            t("sign_in.submit"), type="submit", id="sign-in", class_name="btn btn-primary mt-2 w-full"
        ),
        rx.el.a(
            t("sign_in.forgot"),
            href="/forgot",
            id="forgot",
            class_name="btn btn-ghost btn-sm self-center text-muted",
        ),
        class_name="mt-3 flex flex-col gap-4",
    )


def _field(name: str, label: str, control: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.label(t(label), html_for=name, class_name="text-muted"),
        control,
        class_name="flex flex-col gap-1.5",
    )
