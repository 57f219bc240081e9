"""The parts of the own account: each says how it is, and opens the form that changes it below itself."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.sign_in.account.state import OwnAccount, ShownDevice
from mip_app.sign_in.components import (
    Again,
    CodeInput,
    PasswordInput,
    enrolment,
    field,
    new_password,
    phone_input,
    refusal,
    submit,
)


def phone_part() -> rx.Component:
    return _part(
        "smartphone",
        "own.phone",
        rx.cond(OwnAccount.phone != "", OwnAccount.phone, t("own.none")),
        _opens("phone", "own.change_phone"),
        rx.match(
            OwnAccount.part,
            (
                "phone",
                _form(
                    OwnAccount.send_code,
                    "code.send",
                    _password(),
                    field("phone", "own.new_phone", phone_input()),
                    refusal(OwnAccount.refused, OwnAccount.minutes),
                ),
            ),
            (
                "code",
                _form(
                    OwnAccount.confirm_phone,
                    "code.verify",
                    rx.el.p(t("code.is_sent"), class_name="text-muted"),
                    _code(alone=True),
                    refusal(OwnAccount.refused, OwnAccount.minutes),
                    Again.create(wait=OwnAccount.wait, round=OwnAccount.sends, on_again=OwnAccount.again),
                ),
            ),
            rx.fragment(),
        ),
    )


def password_part() -> rx.Component:
    return _part(
        "key-round",
        "own.password",
        t("own.password_more"),
        _opens("password", "own.change_password"),
        rx.cond(
            OwnAccount.part == "password",
            _form(
                OwnAccount.change_password,
                "own.save_password",
                _password("own.old_password"),
                rx.el.div(new_password(OwnAccount)),
            ),
        ),
    )


def second_factor_part() -> rx.Component:
    on = OwnAccount.second_factor != ""
    act = rx.cond(
        on,
        rx.cond(OwnAccount.required, rx.fragment(), _opens("turn_off", "second_factor.turn_off")),
        _opens("turn_on", "second_factor.turn_on"),
    )
    how = rx.cond(on, t("second_factor.since", date=OwnAccount.second_factor), t("second_factor.is_off"))
    return _part(
        "shield-check",
        "second_factor.name",
        rx.fragment(how, rx.cond(on & OwnAccount.required, rx.fragment(" · ", t("second_factor.required")))),
        act,
        rx.match(
            OwnAccount.part,
            (
                "turn_on",
                _form(
                    OwnAccount.turn_on,
                    "second_factor.turn_on",
                    rx.el.p(t("second_factor.scan"), class_name="text-muted"),
                    enrolment(OwnAccount),
                    _password(),
                    _code(),
                    refusal(OwnAccount.refused, OwnAccount.minutes),
                ),
            ),
            (
                "turn_off",
                _form(
                    OwnAccount.turn_off,
                    "second_factor.turn_off",
                    rx.el.p(t("second_factor.off_more"), class_name="text-muted"),
                    _password(),
                    _code(),
                    refusal(OwnAccount.refused, OwnAccount.minutes),
                ),
            ),
            rx.fragment(),
        ),
    )


def devices() -> rx.Component:
    return rx.fragment(
        rx.el.ul(
            rx.foreach(OwnAccount.devices, _device), id="devices", class_name="divide-y divide-base-300"
        ),
        rx.cond(
            OwnAccount.devices.length() > 1,
            rx.el.div(
                rx.el.button(
                    t("own.end_others"),
                    id="end-others",
                    on_click=OwnAccount.end_others,
                    class_name="btn btn-ghost -ml-4 text-error",
                ),
                class_name="py-2",
            ),
        ),
    )


def _device(device: rx.Var[ShownDevice]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            device["phone"],
            rx.icon("smartphone", class_name="ico mt-1 shrink-0 text-muted"),
            rx.icon("monitor", class_name="ico mt-1 shrink-0 text-muted"),
        ),
        rx.el.div(
            rx.el.p(
                rx.cond(device["words"] != "", device["words"], t("own.unknown_device")),
                rx.cond(
                    device["side"] == "admin", rx.el.span(" · ", t("own.admin_side"), class_name="text-muted")
                ),
                rx.cond(
                    device["here"], rx.el.span(t("own.this_device"), class_name="ml-2 text-sm text-primary")
                ),
                class_name="font-medium",
            ),
            rx.el.p(
                rx.el.span(device["address"], class_name="num whitespace-nowrap"),
                rx.el.span(t("own.since", time=device["since"]), class_name="num whitespace-nowrap"),
                rx.el.span(t("own.seen", time=device["seen"]), class_name="num whitespace-nowrap"),
                class_name="flex flex-wrap gap-x-3 text-sm text-muted",
            ),
            class_name="min-w-0 flex-1",
        ),
        rx.cond(
            device["here"],
            rx.fragment(),
            rx.el.button(
                t("own.end_device"),
                on_click=OwnAccount.end_device(device["id"]),
                class_name="btn btn-ghost btn-sm text-error",
            ),
        ),
        class_name="flex items-start gap-3 py-3",
    )


def _part(icon: str, words: str, how: Any, act: rx.Component, form: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.icon(icon, class_name="ico shrink-0 text-muted"),
            rx.el.div(
                rx.el.p(t(words), class_name="font-medium"),
                rx.el.p(how, class_name="num text-sm text-muted"),
                class_name="min-w-0 flex-1",
            ),
            act,
            class_name="flex min-h-14 items-center gap-3 py-2",
        ),
        form,
    )


def _opens(part: str, words: str) -> rx.Component:
    return rx.el.button(
        t(words),
        id="open-" + part.replace("_", "-"),
        type="button",
        on_click=OwnAccount.open(part),
        class_name="btn btn-sm",
    )


def _form(on_submit: Any, words: str, *fields: rx.Component) -> rx.Component:
    return rx.el.form(
        *fields,
        rx.el.div(
            rx.el.button(
                t("ui.cancel"), type="button", on_click=OwnAccount.open(""), class_name="btn btn-ghost"
            ),
            submit(words, "do-it", "btn btn-primary"),
            class_name="mt-2 flex justify-end gap-2",
        ),
        on_submit=on_submit,
        class_name="mb-4 flex max-w-sm flex-col gap-4 pl-7",
    )


def _password(words: str = "own.with_password") -> rx.Component:
    return field("old-password", words, PasswordInput.create(id="old-password", name="old", fresh=False))


def _code(alone: bool = False) -> rx.Component:
    return rx.el.div(
        rx.el.span(t("code.label"), class_name="text-muted", aria_hidden=True),
        CodeInput.create(
            label=t("code.label"), round=OwnAccount.round, invalid=OwnAccount.refused != "", alone=alone
        ),
        class_name="flex flex-col gap-1.5",
    )
