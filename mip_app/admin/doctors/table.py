"""The rows: a table on the PC, lines on the phone; and the bar of a selection."""

from typing import Any

import reflex as rx

from mip_app.accounts.components import face
from mip_app.admin.doctors import form_state, state
from mip_app.core.i18n import t

# In components the attributes of a state are variables, which its types do not say.
Doctors: Any = state.Doctors
DoctorForm: Any = form_state.DoctorForm
DoctorActs: Any = form_state.DoctorActs
RowVar = Any


def role_name(role: Any) -> rx.Var[str]:
    """A delivered role by the catalogue, one of the institution's own by its name."""
    return t("role." + role.key, fallback=rx.cond(role.name != "", role.name, role.key))


def _or_missing(value: Any) -> rx.Component:
    return rx.cond(value != "", value, rx.el.span("—", class_name="text-muted"))


def _roles(row: RowVar) -> rx.Component:
    return rx.foreach(
        row.roles,
        lambda role: rx.el.span(
            role_name(role), rx.el.span(t("ui.and_then")), class_name="[&:last-child>span]:hidden"
        ),
    )


def _state(row: RowVar) -> rx.Component:
    return rx.el.span(
        t("doctor.state_" + row.state),
        class_name=rx.match(row.state, ("new", "text-warning"), ("disabled", "text-muted"), ""),
    )


def _last(row: RowVar) -> rx.Component:
    day, time = row.last[:10], row.last[11:]
    return rx.cond(
        row.last == "",
        rx.el.span("—", class_name="text-muted"),
        rx.cond(
            day == Doctors.today,
            t("doctor.today", time=time),
            rx.cond(
                day == Doctors.yesterday,
                t("doctor.yesterday", time=time),
                rx.cond(row.last[:4] == Doctors.today[:4], row.last[5:], row.last[:10]),
            ),
        ),
    )


def _tick(row: RowVar) -> rx.Component:
    return rx.el.input(
        type="checkbox",
        checked=Doctors.selected.contains(row.account),
        on_change=lambda _: Doctors.select(row.account),
        aria_label=t("doctor.select", name=row.name),
        class_name="checkbox checkbox-xs block",
    )


def acts_menu(row: RowVar) -> rx.Component:
    """What can be done to one doctor, beside editing."""

    def act(label: str, on_click: Any, name: str, danger: bool = False) -> rx.Component:
        return rx.el.li(
            rx.el.button(
                t(label),
                type="button",
                on_click=on_click,
                custom_attrs={"data-act": name},
                class_name="btn btn-ghost btn-sm w-full justify-start font-normal text-error"
                if danger
                else "btn btn-ghost btn-sm w-full justify-start font-normal",
            )
        )

    return rx.el.details(
        rx.el.summary(
            rx.icon("ellipsis", class_name="ico"),
            class_name="btn btn-ghost btn-xs btn-square",
            aria_label=t("doctor.more"),
        ),
        rx.el.ul(
            rx.cond(
                row.state == "disabled",
                act("doctor.enable", DoctorActs.enable(row.account), "enable"),
                act("doctor.disable", DoctorActs.ask("disable", row.account), "disable"),
            ),
            act("doctor.reset_password", DoctorActs.ask("reset_password", row.account), "reset_password"),
            act("doctor.reset_factor", DoctorActs.ask("reset_factor", row.account), "reset_factor"),
            act("doctor.remove", DoctorActs.ask("remove", row.account), "remove", danger=True),
            class_name=(
                "dropdown-content z-30 mt-1 w-48 rounded-box border border-base-300 bg-base-100 p-1 shadow-sheet"
            ),
        ),
        class_name="dropdown dropdown-end",
    )


def _row(row: RowVar) -> rx.Component:
    name = rx.el.span(
        face(row.name, row.avatar),
        rx.el.span(row.name, title=row.name, class_name="truncate text-base font-medium"),
        class_name="flex items-center gap-2.5",
    )
    acts = rx.el.span(
        rx.el.button(
            t("doctor.edit"),
            type="button",
            on_click=DoctorForm.edit(row.account),
            custom_attrs={"data-act": "edit"},
            class_name="btn btn-ghost btn-xs font-normal text-primary",
        ),
        rx.cond(row.me, rx.el.span(class_name="inline-block size-6"), acts_menu(row)),
        class_name="flex items-center justify-end gap-1",
    )
    return rx.el.tr(
        rx.el.td(rx.cond(row.me, None, _tick(row))),
        rx.el.td(name),
        rx.el.td(row.account, title=row.account, class_name="truncate text-muted"),
        rx.el.td(_or_missing(row.department), title=row.department, class_name="truncate"),
        rx.el.td(_or_missing(row.title), title=row.title, class_name="truncate"),
        rx.el.td(_roles(row), class_name="truncate"),
        rx.el.td(_or_missing(row.phone), class_name="num whitespace-nowrap"),
        rx.el.td(_state(row), class_name="whitespace-nowrap"),
        rx.el.td(_last(row), class_name="num whitespace-nowrap"),
        rx.el.td(acts),
        key=row.account,
        custom_attrs={"data-account": row.account},
        class_name=rx.cond(
            row.state == "disabled",
            "h-11 border-b border-base-300/70 text-muted hover:bg-base-200",
            "h-11 border-b border-base-300/70 hover:bg-base-200",
        ),
    )


# Fixed: a long name is cut where the page ends, never the page widened. What is left is the roles'.
_HEADS = (
    ("name", "w-[15%]"),
    ("account", "w-[11%]"),
    ("department", "w-[11%]"),
    ("title", "w-[7%]"),
    ("roles", ""),
    ("phone", "w-28"),
    ("state", "w-29"),
    ("last", "w-32"),
)


def doctors_table() -> rx.Component:
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th(
                    rx.el.input(
                        type="checkbox",
                        checked=Doctors.selected.length() > 0,
                        on_change=lambda _: Doctors.select_page(),
                        aria_label=t("doctor.select_all"),
                        class_name="checkbox checkbox-xs block",
                    ),
                    class_name="w-14",
                ),
                *(rx.el.th(t(f"doctor.{head}"), scope="col", class_name=width) for head, width in _HEADS),
                rx.el.th(class_name="w-29"),
                class_name="h-8",
            ),
            class_name="border-y border-base-300 bg-base-200 text-xs text-muted [&_th]:font-normal",
        ),
        rx.el.tbody(rx.foreach(Doctors.rows, _row), id="doctor-rows"),
        class_name=(
            "w-full table-fixed border-collapse text-sm max-lg:hidden [&_td]:px-2 [&_th]:px-2 [&_th]:text-left "
            "[&_td:first-child]:pl-6 [&_th:first-child]:pl-6 [&_td:last-child]:pr-6 [&_th:last-child]:pr-6"
        ),
    )


def _card(row: RowVar) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            face(row.name, row.avatar),
            rx.el.span(
                rx.el.span(
                    rx.el.span(row.name, class_name="truncate text-lg font-medium"),
                    rx.el.span(row.title, class_name="flex-none text-sm text-muted"),
                    class_name="flex items-baseline gap-2",
                ),
                rx.el.span(
                    rx.cond(row.department != "", row.department + " · ", ""),
                    _roles(row),
                    class_name="block truncate text-base",
                ),
                rx.el.span(
                    _state(row),
                    rx.el.span(row.account, class_name="truncate text-muted"),
                    rx.el.span(row.phone, class_name="num flex-none text-muted"),
                    class_name="mt-0.5 flex gap-2.5 text-sm whitespace-nowrap",
                ),
                class_name="min-w-0 flex-1 text-left",
            ),
            rx.icon("chevron-right", class_name="ico flex-none text-muted"),
            type="button",
            on_click=DoctorForm.edit(row.account),
            class_name="flex w-full items-center gap-3 px-4 py-3 -outline-offset-2",
        ),
        key=row.account,
        custom_attrs={"data-account": row.account},
        class_name="border-b border-base-300/70",
    )


def doctors_cards() -> rx.Component:
    return rx.el.ul(rx.foreach(Doctors.rows, _card), id="doctor-cards", class_name="lg:hidden")


def selection_bar() -> rx.Component:
    return rx.cond(
        Doctors.selected.length() > 0,
        rx.el.div(
            rx.el.span(t("doctor.selected", n=Doctors.selected.length()), class_name="num font-medium"),
            rx.el.span(class_name="flex-1"),
            rx.el.button(
                t("doctor.enable"),
                type="button",
                on_click=Doctors.enable_selected,
                id="enable-selected",
                class_name="btn btn-sm",
            ),
            rx.el.button(
                t("doctor.disable"),
                type="button",
                on_click=DoctorActs.ask_selected,
                id="disable-selected",
                class_name="btn btn-sm",
            ),
            rx.el.button(
                rx.icon("x", class_name="ico"),
                type="button",
                on_click=Doctors.select_none,
                aria_label=t("doctor.selection_clear"),
                class_name="btn btn-ghost btn-sm btn-square",
            ),
            role="region",
            class_name=(
                "fixed inset-x-0 bottom-0 z-20 flex items-center gap-2 border-t border-base-300 bg-base-100 "
                "px-6 py-2 text-base-content max-lg:hidden"
            ),
            custom_attrs={"data-theme": "mip-dark"},
        ),
    )
