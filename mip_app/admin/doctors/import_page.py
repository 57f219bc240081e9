"""`/admin/doctors/import`: a list is uploaded, looked through line by line, and taken over."""

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from mip_app.accounts.importing import SHOWN
from mip_app.admin.doctors import import_state
from mip_app.admin.forms import said
from mip_app.admin.frame import add_admin_page, page_head
from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.ui.native import file_link

ListImport: Any = import_state.ListImport
PREVIEW = ListImport.preview
_FILES = rx.asset("list_file.jsx", shared=True).importable_path


class ListUpload(NoSSRComponent):
    library = _FILES
    tag = "ListUpload"


class PasswordsOnce(NoSSRComponent):
    library = _FILES
    tag = "PasswordsOnce"

    target: rx.Var[str]
    label: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_taken": lambda: []}


def add_pages(app: rx.App) -> None:
    needs = Permission.ADMIN_ACCOUNTS
    add_admin_page(app, import_upload, "/admin/doctors/import", "admin.doctors", [], needs=needs)
    add_admin_page(
        app,
        import_preview,
        "/admin/doctors/import/[import_key]",
        "admin.doctors",
        [ListImport.load],
        needs=needs,
    )


def import_upload() -> rx.Component:
    return rx.fragment(
        page_head("import.title", _to_list()),
        rx.el.div(
            ListUpload.create(),
            rx.el.p(t("import.columns"), class_name="text-muted"),
            rx.el.p(_template("xlsx"), _template("csv"), class_name="flex gap-2"),
            class_name="flex max-w-2xl flex-col gap-4 px-4 py-5 lg:px-6",
        ),
    )


def import_preview() -> rx.Component:
    return rx.fragment(
        page_head("import.title", _to_list()),
        rx.match(
            ListImport.phase,
            ("loading", rx.el.div(class_name="skeleton m-6 h-40 rounded-box")),
            ("gone", _gone()),
            rx.cond(PREVIEW["done"], _done(), _looked_through()),
        ),
    )


def _to_list() -> rx.Component:
    return rx.el.a(t("import.to_list"), href="/admin/doctors", class_name="btn btn-sm btn-ghost font-normal")


def _again() -> rx.Component:
    return rx.el.a(t("import.again"), href="/admin/doctors/import", class_name="btn")


def _template(form: str) -> rx.Component:
    return file_link(
        f"/people/import/template.{form}",
        rx.icon("download", class_name="ico"),
        t(f"import.template_{form}"),
        id=f"template-{form}",
        class_name="btn btn-sm",
    )


def _gone() -> rx.Component:
    return rx.el.div(
        rx.icon("file-x", class_name="size-6 text-muted"),
        rx.el.p(t("import.gone"), class_name="text-lg"),
        _again(),
        class_name="flex flex-col items-start gap-3 px-6 py-10",
    )


def _done() -> rx.Component:
    return rx.el.div(
        rx.el.p(
            rx.icon("circle-check", class_name="ico text-success"),
            t("import.done", n=PREVIEW["imported"]),
            id="import-done",
            role="status",
            class_name="flex items-center gap-2 text-lg font-medium",
        ),
        rx.cond(
            PREVIEW["passwords"],
            rx.fragment(
                rx.el.p(t("import.done_more"), class_name="text-base text-muted"),
                PasswordsOnce.create(
                    target="/people/import/" + ListImport.key + "/passwords.csv",
                    label=t("import.download_passwords"),
                    on_taken=ListImport.taken,
                ),
            ),
            rx.el.p(t("import.passwords_gone"), class_name="text-base text-muted"),
        ),
        rx.el.a(t("import.to_list"), href="/admin/doctors", class_name="btn"),
        class_name="flex max-w-2xl flex-col items-start gap-4 px-4 py-8 lg:px-6",
    )


def _looked_through() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.p(
                rx.el.span(
                    rx.icon("circle-check", class_name="ico"),
                    t("import.good", n=PREVIEW["good"]),
                    id="import-good",
                    class_name="num flex items-center gap-1.5 text-success",
                ),
                rx.cond(
                    PREVIEW["bad"] > 0,
                    rx.el.span(
                        rx.icon("circle-x", class_name="ico"),
                        t("import.bad", n=PREVIEW["bad"]),
                        id="import-bad",
                        class_name="num flex items-center gap-1.5 text-error",
                    ),
                ),
                class_name="flex flex-wrap gap-x-5 gap-y-1 text-lg",
            ),
            _departments(),
            rx.cond(PREVIEW["good"] == 0, rx.el.p(t("import.none_good"), class_name="text-muted")),
            said(ListImport.said),
            _start(),
            class_name="flex flex-col items-start gap-3 px-4 py-5 lg:px-6",
        ),
        rx.cond(PREVIEW["bad"] > 0, _bad_lines()),
        rx.cond(PREVIEW["good"] > 0, _good_lines()),
        class_name="pb-8",
    )


def _departments() -> rx.Component:
    return rx.cond(
        PREVIEW["new_departments"].length() > 0,
        rx.el.label(
            rx.el.input(
                type="checkbox",
                checked=ListImport.create_departments,
                on_change=ListImport.choose_departments,
                disabled=ListImport.running,
                id="create-departments",
                class_name="checkbox checkbox-sm mt-0.5 flex-none",
            ),
            t(
                "import.create_departments",
                n=PREVIEW["new_departments"].length(),
                names=ListImport.departments,
            ),
            class_name="flex items-start gap-2 py-1 pointer-coarse:min-h-11",
        ),
    )


def _start() -> rx.Component:
    return rx.cond(
        ListImport.running,
        rx.el.div(
            rx.el.progress(
                value=ListImport.made, max=PREVIEW["good"], class_name="progress progress-primary h-1.5 w-64"
            ),
            rx.el.p(
                t("import.running", done=ListImport.made, n=PREVIEW["good"]),
                class_name="num mt-1 text-sm text-muted",
            ),
            role="status",
        ),
        rx.el.div(
            rx.cond(
                PREVIEW["good"] > 0,
                rx.el.button(
                    t("import.do", n=PREVIEW["good"]),
                    type="button",
                    on_click=ListImport.start,
                    id="do-import",
                    class_name="btn btn-primary",
                ),
            ),
            _again(),
            class_name="flex gap-2",
        ),
    )


def _bad_lines() -> rx.Component:
    switch = rx.cond(ListImport.create_departments, "?departments=true", "")
    return rx.el.section(
        rx.el.header(
            rx.el.h2(t("import.bad", n=PREVIEW["bad"]), class_name="text-lg font-semibold"),
            file_link(
                "/people/import/" + ListImport.key + "/refused.xlsx" + switch,
                rx.icon("download", class_name="ico"),
                t("import.download_bad"),
                id="download-bad",
                class_name="btn btn-sm ml-auto",
            ),
            class_name="flex items-center px-4 py-2 lg:px-6",
        ),
        _lines(PREVIEW["bad_lines"], "bad-lines", with_reason=True),
    )


def _good_lines() -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(t("import.good", n=PREVIEW["good"]), class_name="text-lg font-semibold"),
            rx.cond(
                PREVIEW["good"] > SHOWN,
                rx.el.span(t("import.shown_first", n=SHOWN), class_name="text-sm text-muted"),
            ),
            class_name="flex items-baseline gap-3 px-4 pt-5 pb-2 lg:px-6",
        ),
        _lines(PREVIEW["good_lines"], "good-lines"),
    )


def _lines(lines: Any, element_id: str, with_reason: bool = False) -> rx.Component:
    columns = ("account", "name", "title", "department", "roles", "phone")

    def row(line: Any) -> rx.Component:
        return rx.el.tr(
            rx.el.td(line.number, class_name="num text-muted"),
            rx.el.td(line.account, class_name="max-w-36 truncate"),
            rx.el.td(line.name, class_name="max-w-36 truncate font-medium"),
            rx.el.td(_reasons(line), class_name="w-80 text-error") if with_reason else None,
            rx.el.td(line.title, class_name="max-w-28 truncate"),
            rx.el.td(line.department, class_name="max-w-32 truncate"),
            rx.el.td(line.roles, class_name="max-w-52 truncate"),
            rx.el.td(line.phone, class_name="num whitespace-nowrap"),
            key=line.number.to(str),
            class_name="h-10 border-b border-base-300/70",
        )

    return rx.el.div(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    rx.el.th(t("import.line"), class_name="w-14"),
                    *(rx.el.th(t(f"doctor.{column}")) for column in columns[:2]),
                    rx.el.th(t("import.reason")) if with_reason else None,
                    *(rx.el.th(t(f"doctor.{column}")) for column in columns[2:]),
                    class_name="h-8",
                ),
                class_name="border-y border-base-300 bg-base-200 text-xs text-muted [&_th]:font-normal",
            ),
            rx.el.tbody(rx.foreach(lines, row), id=element_id),
            class_name=(
                "w-full min-w-[48rem] border-collapse text-sm [&_td]:px-2 [&_th]:px-2 [&_th]:text-left "
                "[&_td:first-child]:pl-4 [&_th:first-child]:pl-4 lg:[&_td:first-child]:pl-6 lg:[&_th:first-child]:pl-6"
            ),
        ),
        class_name="overflow-x-auto scroll-quiet",
    )


def _reasons(line: Any) -> rx.Component:
    return rx.el.ul(
        rx.foreach(line.reasons, lambda reason: rx.el.li(t(reason.code, value=reason.value, n=reason.n))),
        class_name="py-1",
    )
