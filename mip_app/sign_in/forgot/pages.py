"""`/forgot`: a new password by a code to one's phone."""

import reflex as rx

from mip_app.core.gate import Open
from mip_app.core.i18n import t
from mip_app.sign_in.components import (
    card,
    code_step,
    field,
    new_password,
    phone_input,
    refusal,
    submit,
    title,
)
from mip_app.sign_in.forgot.state import Forgot
from mip_app.ui.shell import add_page


def add_pages(app: rx.App) -> None:
    add_page(app, _forgot, "/forgot", "forgot.page", [Forgot.load], needs=Open.TO_ALL)


def _forgot() -> rx.Component:
    return card(
        rx.el.a(
            t("forgot.back"),
            href="/login",
            class_name="-my-3 inline-flex items-center py-3 text-base text-primary pointer-coarse:min-h-11",
            id="back-to-sign-in",
        ),
        rx.match(
            Forgot.step,
            ("asked", _asked()),
            ("code", _code()),
            ("password", _password()),
            ("done", _done()),
            rx.el.div(class_name="min-h-64"),
        ),
    )


def _asked() -> rx.Component:
    return rx.fragment(
        title(t("forgot.title"), t("forgot.more")),
        rx.el.form(
            field(
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
                    class_name="input w-full",
                ),
            ),
            field("phone", "phone.label", phone_input()),
            refusal(Forgot.refused, Forgot.minutes),
            submit("code.send", "send-code", "btn btn-primary mt-2 w-full"),
            on_submit=Forgot.send_code,
            class_name="mt-6 flex flex-col gap-4",
        ),
        rx.el.p(t("forgot.no_phone"), class_name="mt-6 text-sm text-muted"),
    )


def _code() -> rx.Component:
    return rx.fragment(
        title(t("code.title"), t("forgot.is_sent")),
        code_step(Forgot, "code.verify", Forgot.verify, Forgot.again),
    )


def _password() -> rx.Component:
    return rx.fragment(
        title(t("forgot.password"), t("forgot.password_more")),
        rx.el.form(
            new_password(Forgot),
            submit("forgot.save", "save-password", "btn btn-primary mt-8 w-full"),
            on_submit=Forgot.save,
            class_name="mt-6",
        ),
    )


def _done() -> rx.Component:
    return rx.fragment(
        title(t("forgot.done"), t("forgot.done_more")),
        rx.el.a(
            t("forgot.sign_in"), href="/login", id="go-sign-in", class_name="btn btn-primary mt-8 w-full"
        ),
    )
