"""What is asked before an act on doctors, and the initial password, shown once."""

import reflex as rx

from mip_app.admin.doctors.table import DoctorActs
from mip_app.admin.forms import confirm, secret_dialog
from mip_app.core.i18n import t


def dialogs() -> rx.Component:
    return rx.fragment(_confirm(), secret_dialog(DoctorActs, DoctorActs.noted))


def _confirm() -> rx.Component:
    name = DoctorActs.name
    return confirm(
        "doctor-act",
        DoctorActs.act != "",
        DoctorActs.close,
        DoctorActs.do,
        rx.cond(
            DoctorActs.elsewhere & DoctorActs.act.startswith("reset"),
            rx.el.p(
                rx.icon("triangle-alert", class_name="ico flex-none"),
                t("doctor.reset_elsewhere"),
                class_name="flex items-start gap-2 rounded-field bg-wash-warn px-3 py-2 text-warning",
            ),
        ),
        title=rx.match(
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
        more=rx.match(
            DoctorActs.act,
            ("remove", t("doctor.remove_more")),
            ("reset_password", t("admin.reset_more")),
            ("reset_factor", t("doctor.reset_factor_more")),
            t("doctor.disable_more"),
        ),
        verb=rx.match(
            DoctorActs.act,
            ("remove", t("doctor.remove_do")),
            ("reset_password", t("doctor.reset_do")),
            ("reset_factor", t("doctor.reset_do")),
            t("doctor.disable"),
        ),
        state=DoctorActs,
    )
