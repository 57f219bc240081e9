"""What is asked before an act on doctors, and the initial password, shown once."""

import reflex as rx

from mip_app.admin.doctors.table import DoctorActs
from mip_app.core.i18n import t
from mip_app.ui.modal import confirmation, copy_button, said_line


def dialogs() -> rx.Component:
    return rx.fragment(_confirm(), _initial())


def _confirm() -> rx.Component:
    name = DoctorActs.name
    return confirmation(
        "doctor-act",
        DoctorActs.act != "",
        rx.match(
            DoctorActs.act,
            ("remove", t("doctor.remove_confirm", name=name)),
            ("reset_password", t("doctor.reset_password_confirm", name=name)),
            ("reset_factor", t("doctor.reset_factor_confirm", name=name)),
            rx.cond(
                name != "",
                t("doctor.disable_one", name=name),
                t("doctor.disable_confirm", n=DoctorActs.count),
            ),
        ),
        rx.el.p(
            rx.match(
                DoctorActs.act,
                ("remove", t("doctor.remove_more")),
                ("reset_password", t("admin.reset_more")),
                ("reset_factor", t("doctor.reset_factor_more")),
                t("doctor.disable_more"),
            ),
            class_name="mt-1 text-base text-muted",
        ),
        rx.cond(
            DoctorActs.elsewhere & DoctorActs.act.startswith("reset"),
            rx.el.p(
                rx.icon("triangle-alert", class_name="ico flex-none"),
                t("doctor.reset_elsewhere"),
                class_name="mt-3 flex items-start gap-2 rounded-field bg-wash-warn px-3 py-2 text-warning",
            ),
        ),
        said_line(DoctorActs.said),
        closed=DoctorActs.close,
        act=rx.el.button(
            rx.match(
                DoctorActs.act,
                ("remove", t("doctor.remove_do")),
                ("reset_password", t("doctor.reset_do")),
                ("reset_factor", t("doctor.reset_do")),
                t("doctor.disable"),
            ),
            type="button",
            on_click=DoctorActs.do,
            id="do-doctor-act",
            class_name="btn btn-error",
        ),
    )


def _initial() -> rx.Component:
    return confirmation(
        "initial-password",
        DoctorActs.password != "",
        t("doctor.initial_title", name=DoctorActs.password_of),
        rx.el.div(
            rx.el.code(
                DoctorActs.password, id="the-password", class_name="num flex-1 text-lg break-all select-all"
            ),
            copy_button(DoctorActs.password, "copy-password"),
            class_name="mt-4 flex items-center gap-3 rounded-field border border-base-300 bg-base-200 px-3 py-2",
        ),
        rx.el.p(t("doctor.initial_more"), class_name="mt-3 text-base text-muted"),
        closed=DoctorActs.forget,
        act=rx.el.span(),
        cancel="ui.close",
    )
