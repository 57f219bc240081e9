"""`/admin/departments`."""

from typing import Any

import reflex as rx

from mip_app.accounts.particulars import DEPARTMENT
from mip_app.admin.departments import state
from mip_app.admin.forms import acts, confirm, field, form, modal, refused
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.core.actor import Permission
from mip_app.core.i18n import t

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
        rx.el.div(
            rx.cond(Departments.mode == "", refused(Departments)),
            class_name="px-4 pb-3 empty:hidden lg:px-6",
        ),
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
        rx.el.p(t("doctor.failed", number=Departments.failure), class_name="text-lg"),
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
    return modal(
        "department-form",
        (Departments.mode == "add") | (Departments.mode == "rename"),
        Departments.close,
        rx.cond(Departments.mode == "add", t("department.add"), t("department.rename")),
        form(
            Departments.submit,
            rx.el.div(
                field(
                    Departments,
                    "department",
                    "department.name",
                    element_id="department-name",
                    value=Departments.name,
                    max_length=DEPARTMENT,
                    auto_focus=True,
                ),
                refused(Departments),
                class_name="flex flex-col gap-3 px-6 pt-3",
            ),
            acts(
                Departments.close,
                rx.el.button(
                    t("doctor.save"), type="submit", id="save-department", class_name="btn btn-primary"
                ),
            ),
        ),
        newly=Departments.newly,
    )


def _delete_dialog() -> rx.Component:
    return confirm(
        "delete-department",
        Departments.mode == "delete",
        Departments.close,
        Departments.delete,
        title=t("department.delete_confirm", name=Departments.name),
        more="department.delete_more",
        verb="department.delete",
        state=Departments,
    )
