"""The drawer (a sheet on the phone) in which a doctor is added or changed."""

from typing import Any

import reflex as rx

from mip_app.accounts.components import picture_fields
from mip_app.accounts.doctors import permissions_to_choose
from mip_app.accounts.particulars import NAME, TITLE
from mip_app.admin.doctors.table import DoctorActs, DoctorForm, Doctors, role_name
from mip_app.admin.forms import fault, field, labelled, refused, star
from mip_app.core.i18n import t
from mip_app.ui.modal import Modal

CARD = DoctorForm.card


def form_drawer() -> rx.Component:
    return Modal.create(
        rx.cond(DoctorForm.mode != "", _form()),
        open=DoctorForm.mode != "",
        fault=DoctorForm.newly,
        on_closed=DoctorForm.close,
        id="doctor-form",
        class_name="lg:drawer-r max-lg:sheet",
        custom_attrs={"aria-labelledby": "doctor-form-title"},
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.el.header(
            rx.el.h2(
                rx.match(
                    DoctorForm.mode,
                    ("edit", t("doctor.edit_title")),
                    ("existing", t("doctor.add_existing")),
                    t("doctor.add"),
                ),
                id="doctor-form-title",
                class_name="text-lg font-semibold",
            ),
            rx.el.button(
                rx.icon("x", class_name="ico text-lg"),
                type="button",
                on_click=DoctorForm.close,
                aria_label=t("ui.close"),
                class_name="btn btn-ghost btn-sm btn-square tap ml-auto",
            ),
            class_name="flex h-12 flex-none items-center border-b border-base-300 pr-2 pl-5 max-lg:border-0",
        ),
        rx.el.div(
            rx.cond(
                DoctorForm.mode == "existing",
                rx.el.p(t("doctor.add_existing_help"), class_name="text-sm text-muted"),
            ),
            _account(),
            rx.cond(CARD["home"], _person(), _kept_elsewhere()),
            _department(),
            _roles(),
            _extra(),
            fault(DoctorForm, "extra"),
            rx.cond((DoctorForm.mode == "edit") & CARD["home"], _pictures()),
            rx.cond((DoctorForm.mode == "edit") & ~CARD["me"], _acts()),
            class_name="flex flex-1 flex-col gap-4 overflow-y-auto px-5 py-4 scroll-quiet",
        ),
        rx.el.footer(
            rx.el.div(refused(DoctorForm), class_name="mb-3 empty:hidden"),
            rx.el.div(
                rx.el.button(
                    t("ui.cancel"), type="button", on_click=DoctorForm.close, class_name="btn btn-ghost"
                ),
                rx.el.button(
                    rx.cond(DoctorForm.mode == "edit", t("doctor.save"), t("doctor.add_do")),
                    type="submit",
                    id="save-doctor",
                    class_name="btn btn-primary max-lg:flex-1",
                ),
                class_name="flex justify-end gap-2",
            ),
            class_name="flex-none border-t border-base-300 bg-base-100 p-4 max-lg:sticky max-lg:-bottom-3 max-lg:pb-7",
        ),
        on_submit=DoctorForm.submit,
        no_validate=True,
        key=DoctorForm.serial.to(str),
        class_name="flex flex-col lg:h-full",
    )


def _text(name: str, value: Any, most: int, **props: Any) -> rx.Component:
    return field(
        DoctorForm,
        name,
        f"doctor.{name}",
        element_id=f"doctor-{name}",
        value=value,
        max_length=most,
        spell_check=False,
        **props,
    )


def _account() -> rx.Component:
    return rx.cond(
        DoctorForm.mode == "edit",
        rx.el.p(
            rx.el.span(t("doctor.account"), class_name="mr-3 text-muted"),
            rx.el.span(CARD["account"], class_name="font-medium"),
        ),
        _text(
            "account",
            "",
            50,
            hint=rx.cond(DoctorForm.mode == "add", t("doctor.account_help"), ""),
            auto_capitalize="none",
            auto_focus=True,
            required=True,
        ),
    )


def _person() -> rx.Component:
    """What belongs to the person; of an existing account the name alone is asked, to be sure who is meant."""
    return rx.fragment(
        _text("name", CARD["name"], NAME, required=True),
        rx.cond(
            DoctorForm.mode != "existing",
            rx.fragment(
                _text("title", CARD["title"], TITLE),
                _text(
                    "phone",
                    "",
                    20,
                    hint=rx.cond(
                        CARD["phone"] != "",
                        t("doctor.phone_keep", phone=CARD["phone"]),
                        t("doctor.phone_help"),
                    ),
                    type="tel",
                    input_mode="tel",
                ),
                rx.cond(
                    DoctorForm.wecom_shown & ~CARD["elsewhere"],
                    _text("wecom", DoctorForm.wecom, 64, hint="doctor.wecom_help", auto_capitalize="none"),
                ),
            ),
        ),
    )


def _kept_elsewhere() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            CARD["name"],
            rx.el.span(CARD["title"], class_name="ml-2 text-muted"),
            class_name="text-base font-medium",
        ),
        rx.el.p(t("doctor.kept_elsewhere"), class_name="text-sm text-muted"),
        class_name="flex flex-col gap-1",
    )


def _department() -> rx.Component:
    return labelled(
        DoctorForm,
        "department",
        "doctor.department",
        rx.el.select(
            rx.el.option(t("doctor.no_department"), value=""),
            rx.cond(CARD["department_gone"], rx.el.option(CARD["department_name"], value=CARD["department"])),
            rx.foreach(Doctors.departments, lambda d: rx.el.option(d.name, value=d.key)),
            id="doctor-department",
            name="department",
            default_value=CARD["department"],
            class_name="select w-full",
        ),
    )


def _tick(name: Any, label: Any, ticked: Any) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox", name=name, default_checked=ticked, class_name="checkbox checkbox-sm flex-none"
        ),
        label,
        class_name="flex min-h-8 items-center gap-2 pointer-coarse:min-h-11",
    )


def _roles() -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend(
            t("doctor.roles"),
            *star(True),
            class_name="mb-1 text-muted",
        ),
        rx.el.div(
            rx.foreach(
                Doctors.roles,
                lambda role: _tick("role:" + role.key, role_name(role), CARD["roles"].contains(role.key)),
            ),
            class_name="grid grid-cols-2 gap-x-3",
        ),
        fault(DoctorForm, "roles"),
    )


def _extra() -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            rx.icon("chevron-right", class_name="ico in-open:rotate-90"),
            t("doctor.extra"),
            class_name="flex min-h-8 cursor-pointer items-center gap-1.5 text-muted pointer-coarse:min-h-11",
        ),
        rx.el.p(t("doctor.extra_help"), class_name="mb-1 text-sm text-muted"),
        rx.el.div(
            *(
                _tick(
                    f"extra:{permission}", t(f"permission.{permission}"), CARD["extra"].contains(permission)
                )
                for permission in permissions_to_choose()
            ),
            class_name="grid grid-cols-1 sm:grid-cols-2 gap-x-3",
        ),
    )


def _pictures() -> rx.Component:
    return rx.el.section(
        picture_fields(
            CARD["avatar"],
            CARD["signature"],
            "/people/of/" + CARD["account"],
            on_changed=DoctorForm.pictured,
        ),
        class_name="border-t border-base-300 pt-4",
    )


def _acts() -> rx.Component:
    def act(label: str, on_click: Any, name: str, danger: bool = False) -> rx.Component:
        return rx.el.button(
            t(label),
            type="button",
            on_click=on_click,
            custom_attrs={"data-act": name},
            class_name="btn btn-ghost border border-base-300 font-normal text-error"
            if danger
            else "btn btn-ghost border border-base-300 font-normal",
        )

    account = CARD["account"]
    return rx.el.section(
        rx.cond(
            CARD["disabled"],
            act("doctor.enable", DoctorActs.enable(account), "enable"),
            act("doctor.disable", DoctorActs.ask("disable", account), "disable"),
        ),
        rx.cond(
            CARD["home"],
            rx.fragment(
                act("doctor.reset_password", DoctorActs.ask("reset_password", account), "reset_password"),
                rx.cond(
                    CARD["second_factor"],
                    act("doctor.reset_factor", DoctorActs.ask("reset_factor", account), "reset_factor"),
                ),
            ),
        ),
        act("doctor.remove", DoctorActs.ask("remove", account), "remove", danger=True),
        class_name="flex flex-wrap gap-2 border-t border-base-300 pt-4",
    )
