"""`/admin/doctors`: the people of the institution."""

from typing import Any

import reflex as rx

from mip_app.accounts.doctors import STATES
from mip_app.admin.doctors import import_page
from mip_app.admin.doctors.dialogs import dialogs
from mip_app.admin.doctors.form import form_drawer
from mip_app.admin.doctors.table import (
    DoctorForm,
    Doctors,
    doctors_cards,
    doctors_table,
    role_name,
    selection_bar,
)
from mip_app.admin.forms import said
from mip_app.admin.frame import add_admin_page, page_head
from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.ui.native import post_form


def add_pages(app: rx.App) -> None:
    add_admin_page(
        app, doctors, "/admin/doctors", "admin.doctors", [Doctors.load], needs=Permission.ADMIN_ACCOUNTS
    )
    import_page.add_pages(app)


def doctors() -> rx.Component:
    return rx.fragment(
        page_head("admin.doctors", _export(), _import(), _add_existing(), _add()),
        _filters(),
        rx.el.div(said(Doctors.refused), class_name="px-4 pb-3 empty:hidden lg:px-6"),
        rx.match(
            Doctors.phase,
            ("loading", _skeleton()),
            ("failed", _failed()),
            rx.cond(
                Doctors.rows.length() > 0,
                rx.fragment(doctors_table(), doctors_cards(), _paging()),
                _empty(),
            ),
        ),
        selection_bar(),
        form_drawer(),
        dialogs(),
    )


def _export() -> rx.Component:
    def form(kind: str) -> rx.Component:
        hidden = {"keyword": Doctors.keyword} | {
            n: Doctors.chosen[n] for n in ("department", "role", "state")
        }
        return post_form(
            f"/people/list.{kind}",
            *(rx.el.input(type="hidden", name=name, value=value) for name, value in hidden.items()),
            rx.el.button(
                t(f"doctor.export_{kind}"),
                type="submit",
                id=f"export-{kind}",
                class_name="btn btn-ghost btn-sm w-full justify-start font-normal",
            ),
        )

    return rx.el.details(
        rx.el.summary(
            rx.icon("download", class_name="ico"),
            t("doctor.export"),
            id="export",
            class_name="btn btn-ghost btn-sm font-normal",
        ),
        rx.el.div(
            form("xlsx"),
            form("csv"),
            class_name=(
                "dropdown-content z-30 mt-1 w-44 rounded-box border border-base-300 bg-base-100 p-1 shadow-sheet"
            ),
        ),
        class_name="dropdown lg:dropdown-end",
    )


def _import() -> rx.Component:
    return rx.el.a(
        rx.icon("file-up", class_name="ico"),
        t("doctor.import"),
        href="/admin/doctors/import",
        id="import",
        class_name="btn btn-sm",
    )


def _add_existing() -> rx.Component:
    return rx.el.button(
        t("doctor.add_existing"),
        type="button",
        on_click=DoctorForm.add_existing,
        id="add-existing",
        class_name="btn btn-sm",
    )


def _add() -> rx.Component:
    return rx.el.button(
        rx.icon("user-plus", class_name="ico"),
        t("doctor.add"),
        type="button",
        on_click=DoctorForm.add,
        id="add-doctor",
        class_name="btn btn-sm btn-primary",
    )


def _filters() -> rx.Component:
    return rx.el.div(
        rx.el.label(
            rx.icon("search", class_name="ico text-muted"),
            rx.el.input(
                type="search",
                default_value=Doctors.keyword,
                key=Doctors.cleared.to(str),
                on_change=Doctors.search.debounce(250),
                placeholder=t("doctor.search"),
                aria_label=t("doctor.search"),
                auto_complete="off",
                spell_check=False,
                max_length=64,
                id="search-doctors",
            ),
            class_name="input input-sm w-64 max-lg:w-full pointer-coarse:min-h-11",
        ),
        _choice(
            "department",
            "doctor.departments_all",
            rx.foreach(Doctors.departments, lambda d: rx.el.option(d.name, value=d.key)),
        ),
        _choice(
            "role",
            "doctor.roles_all",
            rx.foreach(Doctors.roles, lambda role: rx.el.option(role_name(role), value=role.key)),
        ),
        _choice(
            "state",
            "doctor.states_all",
            *(rx.el.option(t(f"doctor.state_{state}"), value=state) for state in STATES),
        ),
        rx.el.span(
            t("doctor.total", n=Doctors.total, new=Doctors.new),
            id="doctor-total",
            class_name="num ml-auto text-sm text-muted max-lg:w-full",
        ),
        class_name="flex flex-wrap items-center gap-2 px-4 py-2.5 lg:px-6",
    )


def _choice(name: str, everything: str, *options: Any) -> rx.Component:
    return rx.el.select(
        rx.el.option(t(everything), value=""),
        *options,
        value=Doctors.chosen[name],
        on_change=lambda value: Doctors.choose(name, value),
        aria_label=t(f"doctor.{'roles' if name == 'role' else name}"),
        id=f"filter-{name}",
        class_name="select select-sm w-34 max-lg:min-w-0 max-lg:flex-1 pointer-coarse:min-h-11",
    )


def _paging() -> rx.Component:
    def turn(label: str, icon: str, on_click: object, enabled: rx.Var[bool], name: str) -> rx.Component:
        return rx.el.button(
            rx.icon(icon, class_name="ico"),
            type="button",
            on_click=on_click,
            disabled=~enabled,
            aria_label=t(label),
            id=f"doctors-{name}",
            class_name="btn btn-sm btn-square join-item",
        )

    return rx.cond(
        (Doctors.number > 1) | Doctors.more,
        rx.el.div(
            rx.el.span(
                t(
                    "doctor.range",
                    **{"from": Doctors.number, "to": Doctors.number + Doctors.rows.length() - 1},
                ),
                class_name="num",
            ),
            rx.el.span(
                turn(
                    "doctor.previous_page",
                    "chevron-left",
                    Doctors.previous_page,
                    Doctors.number > 1,
                    "previous",
                ),
                turn("doctor.next_page", "chevron-right", Doctors.next_page, Doctors.more, "next"),
                class_name="join",
            ),
            class_name="flex items-center justify-end gap-3 px-4 py-3 pb-16 text-sm text-muted lg:px-6",
        ),
    )


def _block(icon: str, line: rx.Var[str], *acts: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.icon(icon, class_name="size-6 stroke-[1.75] text-muted"),
        rx.el.p(line, class_name="text-lg"),
        rx.el.div(*acts, class_name="mt-2 flex gap-2"),
        class_name="flex flex-col items-start gap-2 px-6 py-10",
    )


def _empty() -> rx.Component:
    filtered = (
        (Doctors.keyword != "")
        | (Doctors.chosen["department"] != "")
        | (Doctors.chosen["role"] != "")
        | (Doctors.chosen["state"] != "")
    )
    return rx.cond(
        filtered,
        _block(
            "search-x",
            t("doctor.empty_filtered"),
            rx.el.button(
                t("doctor.clear_filters"), type="button", on_click=Doctors.clear, class_name="btn btn-sm"
            ),
        ),
        _block("users-round", t("doctor.empty")),
    )


def _failed() -> rx.Component:
    return _block(
        "circle-alert",
        t("doctor.failed", number=Doctors.trouble),
        rx.el.button(
            rx.icon("refresh-cw", class_name="ico"),
            t("doctor.retry"),
            type="button",
            on_click=Doctors.load,
            class_name="btn btn-sm",
        ),
    )


def _skeleton() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.div(
                rx.el.span(class_name="skeleton size-7 rounded-full"),
                rx.el.span(class_name="skeleton h-4 w-40 rounded-sm"),
                rx.el.span(class_name="skeleton h-4 flex-1 rounded-sm max-lg:hidden"),
                class_name="flex h-11 items-center gap-3 border-b border-base-300/70 px-4 lg:px-6",
            )
            for _ in range(10)
        ),
        aria_hidden=True,
    )
