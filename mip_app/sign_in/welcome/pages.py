"""`/welcome`: first login and the other steps that are still to do before anything else answers."""

import reflex as rx

from mip_app.core.gate import Open
from mip_app.core.i18n import t
from mip_app.sign_in.components import (
    PostNow,
    card,
    code_step,
    enrolment,
    field,
    new_password,
    phone_input,
    refusal,
    submit,
    title,
)
from mip_app.sign_in.follow_parts import follow_step
from mip_app.sign_in.follow_state import FollowStep
from mip_app.sign_in.welcome.state import Welcome
from mip_app.ui.native import post_form
from mip_app.ui.shell import add_page

ENTER = "enter"


def add_pages(app: rx.App) -> None:
    add_page(
        app, _welcome, "/welcome", "welcome.page", [Welcome.load, FollowStep.load], needs=Open.TO_ENTERING
    )


def phone_step_extra() -> list[rx.Component]:
    """What stands below the phone step on the PC: other ways to bind one."""
    return [follow_step(done=Welcome.load)]


def _welcome() -> rx.Component:
    whose = rx.cond(Welcome.institution != "", Welcome.name + " · " + Welcome.institution, Welcome.name)
    return card(
        whose,
        rx.match(
            Welcome.step,
            ("phone", _phone()),
            ("password", _password()),
            ("second_factor", _second_factor()),
            ("enrol", _enrol()),
            ("done", _done()),
            rx.el.div(class_name="min-h-64"),
        ),
        rx.cond((Welcome.step != "") & (Welcome.step != "done"), _leave()),
        whose=whose,
    )


def _leave() -> rx.Component:
    return post_form(
        "/auth/logout",
        rx.el.button(
            t("ui.sign_out"), type="submit", id="sign-out", class_name="btn btn-ghost btn-sm text-muted"
        ),
        class_name="mt-6 flex justify-center pb-4 lg:pb-0",
    )


def _steps(current: int) -> rx.Component:
    words = ("welcome.step_phone", "welcome.step_password", "welcome.step_done")
    line = rx.el.li(class_name="h-px flex-1 bg-base-300", aria_hidden=True)
    items = [_step(number, word, current) for number, word in enumerate(words, 1)]
    return rx.el.ol(
        items[0], line, items[1], line, items[2], class_name="mt-8 flex items-center gap-2 text-sm"
    )


def _step(number: int, words: str, current: int) -> rx.Component:
    done, later = number < current, number > current
    round_ = "num grid size-6 place-items-center rounded-full text-xs "
    return rx.el.li(
        rx.el.span(
            rx.icon("check", class_name="ico") if done else str(number),
            class_name=round_ + ("border border-edge" if later else "bg-primary text-primary-content"),
        ),
        t(words),
        aria_current="step" if number == current else None,
        class_name="flex items-center gap-2 font-medium"
        if number == current
        else "flex items-center gap-2 text-muted",
    )


def _phone() -> rx.Component:
    return rx.fragment(
        _steps(1),
        rx.cond(Welcome.sent, _code(), _number()),
        rx.el.div(*phone_step_extra(), class_name="mt-6 max-lg:hidden"),
    )


def _number() -> rx.Component:
    return rx.fragment(
        title(
            t("welcome.phone"),
            rx.cond(Welcome.phone != "", t("welcome.phone_known"), t("welcome.phone_unknown")),
        ),
        rx.el.form(
            rx.cond(
                Welcome.phone != "",
                rx.el.p(Welcome.phone, class_name="num text-xl", id="known-phone"),
                field("phone", "phone.label", phone_input()),
            ),
            refusal(Welcome.refused, Welcome.minutes),
            submit("code.send", "send-code", "btn btn-primary mt-6 w-full"),
            on_submit=Welcome.send_code,
            class_name="mt-6",
        ),
    )


def _code() -> rx.Component:
    return rx.fragment(
        title(t("code.title"), t("code.is_sent")),
        code_step(Welcome, "code.verify", Welcome.verify, Welcome.again),
        rx.cond(
            Welcome.phone == "",
            rx.el.button(
                t("code.other_phone"),
                type="button",
                id="other-phone",
                on_click=Welcome.other_phone,
                class_name="btn btn-ghost btn-sm mt-2 w-full",
            ),
        ),
    )


def _password() -> rx.Component:
    return rx.fragment(
        _steps(2),
        title(
            t("welcome.password"),
            rx.cond(
                Welcome.phone != "",
                t("welcome.password_more", phone=Welcome.phone),
                t("welcome.password_only"),
            ),
        ),
        rx.el.form(
            new_password(Welcome),
            submit("welcome.save", "save-password", "btn btn-primary mt-8 w-full"),
            on_submit=Welcome.save,
            class_name="mt-6",
        ),
    )


def _second_factor() -> rx.Component:
    return rx.fragment(
        title(t("second_factor.title"), t("second_factor.type_it")),
        code_step(Welcome, "code.verify", Welcome.prove),
        rx.el.p(t("second_factor.lost"), class_name="mt-4 text-sm text-muted"),
    )


def _enrol() -> rx.Component:
    return rx.fragment(
        title(t("second_factor.title"), t("second_factor.is_required")),
        rx.cond(
            Welcome.qr == "",
            rx.el.button(
                t("second_factor.begin"),
                id="begin-second-factor",
                on_click=Welcome.begin,
                class_name="btn btn-primary mt-6 w-full",
            ),
            rx.fragment(enrolment(Welcome), code_step(Welcome, "second_factor.turn_on", Welcome.confirm)),
        ),
    )


def _done() -> rx.Component:
    return rx.fragment(
        _steps(4),
        title(t("welcome.done"), t("welcome.done_more")),
        post_form(
            "/auth/enter",
            rx.el.input(type="hidden", name="next", value=Welcome.next),
            submit("welcome.enter", "enter-now"),
            id=ENTER,
            class_name="mt-8",
        ),
        PostNow.create(form=ENTER),
    )
