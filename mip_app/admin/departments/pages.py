"""`/admin/departments`."""

from typing import Any

import reflex as rx

from mip_app.accounts.particulars import DEPARTMENT
from mip_app.admin.departments import state
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.ui.modal import Modal, confirmation, said_line

Departments: Any = state.Departments


def add_pages(app: rx.App) -> None:
    add_admin_page(
        app,
        departments,
        "/admin/departments",
        "admin.departments",
        [Departments.load],
        needs=Permission.ADMIN_ACCOUNTS,
    )


def departments() -> rx.Component:
    return rx.fragment(
        page_head(
            "admin.departments",
            rx.el.button(
                rx.icon("plus", class_name="ico"),
                t("department.add"),
                type="button",
                on_click=Departments.open("add", ""),
                id="add-department",
                class_name="btn btn-sm btn-primary",
            ),
        ),
        rx.el.div(said_line(Departments.said), class_name="px-4 lg:px-6 [&>p]:mb-3"),
        rx.match(
            Departments.phase,
            ("loading", loading()),
            ("failed", _failed()),
            rx.cond(
                Departments.rows.length() > 0,
                _table(),
                rx.el.p(t("department.empty"), class_name="px-4 py-10 text-lg lg:px-6"),
            ),
        ),
        _name_dialog(),
        _delete_dialog(),
    )


def _failed() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("doctor.failed", number=Departments.trouble), class_name="text-lg"),
        rx.el.button(
            t("doctor.retry"), type="button", on_click=Departments.load, class_name="btn btn-sm mt-2"
        ),
        class_name="px-6 py-10",
    )


def _act(
    label: str, on_click: Any, name: str, class_name: str = "btn btn-ghost btn-sm font-normal"
) -> rx.Component:
    return rx.el.button(
        t(label), type="button", on_click=on_click, custom_attrs={"data-act": name}, class_name=class_name
    )


def _row(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.el.span(
                row.name,
                title=row.name,
                class_name="text-base font-medium max-lg:break-words lg:truncate",
            ),
            rx.cond(
                row.disabled,
                rx.el.span(t("department.disabled"), class_name="flex-none text-sm text-muted"),
            ),
            class_name="flex min-w-0 flex-1 items-baseline gap-2",
        ),
        rx.el.span(
            t("department.count", n=row.people),
            class_name="num min-w-16 flex-none text-right text-sm whitespace-nowrap text-muted",
        ),
        rx.el.span(
            _act("department.rename", Departments.open("rename", row.key), "rename"),
            rx.cond(
                row.disabled,
                _act("department.enable", Departments.turn(row.key, False), "enable"),
                _act("department.disable", Departments.turn(row.key, True), "disable"),
            ),
            rx.cond(
                row.people == 0,
                _act(
                    "department.delete",
                    Departments.open("delete", row.key),
                    "delete",
                    "btn btn-ghost btn-sm font-normal text-error",
                ),
            ),
            class_name="flex flex-none gap-1 lg:w-56",
        ),
        key=row.key,
        class_name=(
            "flex min-h-12 flex-wrap items-center gap-x-4 border-b border-base-300/70 px-4 py-1 lg:px-6"
        ),
    )


def _table() -> rx.Component:
    return rx.el.ul(rx.foreach(Departments.rows, _row), id="department-rows")


def _name_dialog() -> rx.Component:
    opened = (Departments.mode == "add") | (Departments.mode == "rename")
    form = rx.el.form(
        rx.el.div(
            rx.el.h2(
                rx.cond(Departments.mode == "add", t("department.add"), t("department.rename")),
                id="department-title",
                class_name="text-xl font-semibold",
            ),
            rx.el.label(t("department.name"), html_for="department-name", class_name="mt-4 block text-muted"),
            rx.el.input(
                id="department-name",
                name="name",
                default_value=Departments.name,
                max_length=DEPARTMENT,
                auto_complete="off",
                auto_focus=True,
                aria_invalid=Departments.fault != "",
                class_name="input mt-1.5 w-full aria-[invalid=true]:border-error",
            ),
            rx.cond(
                Departments.fault != "",
                rx.el.p(
                    rx.icon("circle-alert", class_name="ico flex-none"),
                    t(Departments.fault),
                    role="alert",
                    class_name="mt-1 flex items-start gap-1.5 text-sm text-error",
                ),
            ),
            class_name="px-6 pt-5",
        ),
        rx.el.div(
            rx.el.button(
                t("ui.cancel"), type="button", on_click=Departments.close, class_name="btn btn-ghost"
            ),
            rx.el.button(t("doctor.save"), type="submit", id="save-department", class_name="btn btn-primary"),
            class_name="mt-5 flex justify-end gap-2 border-t border-base-300 px-6 py-4",
        ),
        on_submit=Departments.submit,
        no_validate=True,
        key=Departments.serial.to(str),
        class_name="modal-box max-w-md p-0",
    )
    return Modal.create(
        rx.cond(opened, form),
        open=opened,
        fault=Departments.fault,
        on_closed=Departments.close,
        id="department-form",
        class_name="modal",
        custom_attrs={"aria-labelledby": "department-title"},
    )


def _delete_dialog() -> rx.Component:
    return confirmation(
        "department-delete",
        Departments.mode == "delete",
        t("department.delete_confirm", name=Departments.name),
        rx.el.p(t("department.delete_more"), class_name="mt-1 text-base text-muted"),
        closed=Departments.close,
        act=rx.el.button(
            t("department.delete"),
            type="button",
            on_click=Departments.delete,
            id="do-delete-department",
            class_name="btn btn-error",
        ),
    )
