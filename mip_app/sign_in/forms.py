"""The parts of the sign-in page with which one signs in. They work before hydration: native forms and CSS."""

import reflex as rx
from reflex_base.components.component import NoSSRComponent
from reflex_base.vars import Var
from reflex_components_core.el.elements.base import BaseHTML

from mip_app.core.i18n import t
from mip_app.sign_in.external_parts import external_buttons
from mip_app.sign_in.state import SignIn
from mip_app.ui.native import post_form
from mip_app.ui.secret import password_field

FORM = "sign-in-form"
FORGOT = "/forgot"


_KEPT = rx.asset("kept.js", shared=True)  # beside the two that import it
_EARLY = rx.asset("early.js", shared=True)


class EarlyScript(BaseHTML):
    """`Keep` before hydration: part of the built page, run as soon as the page is read."""

    tag = "script"

    src: Var[str]
    type: Var[str]


def early() -> rx.Component:
    return EarlyScript.create(src=str(_EARLY), type="module")


class Keep(NoSSRComponent):
    """Brings back what the address and a refused form say: the side, the way, the account."""

    library = rx.asset("keep.jsx", shared=True).importable_path
    tag = "Keep"


class QrCode(NoSSRComponent):
    """The code, its countdown, and what the phone has answered."""

    library = rx.asset("qr.jsx", shared=True).importable_path
    tag = "QrCode"


def messages() -> rx.Component:
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


def choice() -> rx.Component:
    """How to sign in. The administration has a password alone: a code signs in to the other side."""

    def way(element_id: str, title: str, chosen: bool) -> rx.Component:
        return rx.el.label(
            rx.el.input(type="radio", name="way", id=element_id, default_checked=chosen),
            t(title),
        )

    return rx.el.div(
        way("way-password", "sign_in.by_password", True),
        way("way-qr", "sign_in.by_qr", False),
        role="radiogroup",
        aria_label=t("sign_in.way"),
        class_name=(
            "seg mt-3 mb-5 flex w-full [&>*]:h-10 [&>*]:flex-1 [&>*]:text-base pointer-coarse:[&>*]:h-11 "
            "group-has-[#admin:checked]/login:hidden"
        ),
    )


def by_password() -> rx.Component:
    return post_form(
        "/auth/login",
        rx.el.div(
            rx.el.label(t("sign_in.account"), html_for="account", class_name="text-muted"),
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
            class_name="flex flex-col gap-1.5",
        ),
        rx.el.div(
            rx.el.div(
                rx.el.label(t("sign_in.password"), html_for="password", class_name="text-muted"),
                rx.el.a(
                    t("sign_in.forgot"),
                    href=FORGOT,
                    id="forgot",
                    class_name="ml-auto text-primary pointer-coarse:-my-3 pointer-coarse:py-3",
                ),
                class_name="flex",
            ),
            password_field("password", auto_complete="current-password"),
            class_name="flex flex-col gap-1.5",
        ),
        rx.el.label(
            rx.el.input(type="checkbox", name="keep", value="true", class_name="checkbox checkbox-sm"),
            t("sign_in.keep"),
            class_name=(
                "flex min-h-9 items-center gap-2 pointer-coarse:min-h-11 "
                "group-has-[#admin:checked]/login:hidden"
            ),
        ),
        rx.el.button(t("sign_in.submit"), type="submit", id="sign-in", class_name="btn btn-primary w-full"),
        id=FORM,
        class_name=(
            "flex flex-col gap-4 group-has-[#admin:checked]/login:mt-3 "
            "group-[:has(#way-qr:checked):not(:has(#admin:checked))]/login:hidden"
        ),
    )


def by_qr() -> rx.Component:
    return rx.el.div(
        QrCode.create(),
        class_name=("hidden text-center group-[:has(#way-qr:checked):not(:has(#admin:checked))]/login:block"),
    )


def external() -> rx.Component:
    return rx.el.div(external_buttons(), class_name="group-has-[#admin:checked]/login:hidden")
