"""The administrators of one alliance or institution, in the drawer of that one."""

from typing import Any

import reflex as rx

from mip_app.admin.forms import confirm, form, person_fields, refused
from mip_app.core.i18n import t


def administrators(state: Any) -> rx.Component:
    """`state` has `people`, `adding`, and the handlers start_adding, stop_adding, add_person, ask_reset, close_person."""
    return rx.el.section(
        rx.el.div(
            rx.el.h3(t("admin.administrators"), class_name="text-lg font-semibold"),
            rx.el.button(
                rx.icon("plus", class_name="ico"),
                t("admin.add_administrator"),
                type="button",
                id="add-administrator",
                on_click=state.start_adding,
                class_name="btn btn-ghost btn-sm ml-auto text-primary pointer-coarse:h-11",
            ),
            class_name="flex items-center",
        ),
        rx.cond(
            state.adding,
            form(
                state.add_person,
                *person_fields(state, "new-"),
                rx.el.div(
                    rx.el.button(
                        t("ui.cancel"), type="button", on_click=state.stop_adding, class_name="btn btn-ghost"
                    ),
                    rx.el.button(
                        t("admin.add_administrator"), type="submit", id="do-add", class_name="btn btn-primary"
                    ),
                    class_name="flex justify-end gap-2",
                ),
                class_name="mt-2 flex flex-col gap-3 rounded-box bg-base-200 p-3",
            ),
        ),
        rx.cond(
            (state.trouble != "") & (state.wrong == "") & (state.asked == ""),
            rx.el.div(refused(state), class_name="mt-2"),
        ),
        rx.el.ul(rx.foreach(state.people, lambda one: _person(state, one)), class_name="mt-1"),
        class_name="mt-6",
    )


def _person(state: Any, one: Any) -> rx.Component:
    off = one["state"] == "disabled"
    return rx.el.li(
        rx.el.div(
            rx.el.p(
                rx.el.span(one["name"], class_name="font-medium"),
                " ",
                rx.el.span(one["account"], class_name="text-muted"),
                class_name="break-all",
            ),
            rx.el.p(
                rx.cond(one["mobile"] != "", rx.el.span(one["mobile"], " · ", class_name="num")),
                rx.match(
                    one["state"],
                    ("disabled", rx.el.span(t("admin.state_disabled"))),
                    ("first_login", rx.el.span(t("admin.state_first_login"), class_name="text-warning")),
                    rx.el.span(
                        rx.cond(
                            one["last_sign_in"] != "",
                            t("admin.last_sign_in", at=one["last_sign_in"]),
                            t("admin.never_signed_in"),
                        ),
                        class_name="num",
                    ),
                ),
                class_name="text-sm text-muted",
            ),
            class_name="min-w-0 flex-1",
        ),
        rx.el.button(
            t("admin.reset_password"),
            type="button",
            on_click=state.ask_reset(one["id"]),
            class_name="btn btn-ghost btn-sm text-primary pointer-coarse:h-11",
        ),
        rx.cond(
            off,
            rx.el.button(
                t("admin.enable"),
                type="button",
                on_click=state.close_person(one["id"], False),
                class_name="btn btn-ghost btn-sm text-primary pointer-coarse:h-11",
            ),
            rx.el.button(
                t("admin.disable"),
                type="button",
                on_click=state.close_person(one["id"], True),
                class_name="btn btn-ghost btn-sm text-error pointer-coarse:h-11",
            ),
        ),
        class_name="flex flex-wrap items-center gap-x-1 border-b border-base-300/60 py-2",
        custom_attrs={"data-account": one["account"]},
    )


def confirm_reset(state: Any) -> rx.Component:
    return confirm(
        "reset",
        state.asked == "reset",
        state.close,
        state.reset_person,
        title="admin.reset_title",
        whom=state.asked_of,
        more="admin.reset_more",
        verb="admin.reset_password",
        state=state,
    )
