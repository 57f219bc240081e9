"""What stands above and below the rows: search, work views, filters, paging."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from mip_app.core.i18n import t
from mip_app.studies.filters import MODALITIES, Days, View
from mip_app.studies.models import Contrast, PatientClass, ReportStatus
from mip_app.studies.parts import Studies, status_badge
from mip_app.studies.table import column_menu
from mip_app.ui.state import may

# Who sees a work view: those whose work it is.
_FOR = {View.UNWRITTEN: "report.write", View.REVIEW: "report.review", View.RETURNED: "report.write"}
_MENU = "dropdown-content z-30 mt-1 w-max min-w-44 rounded-box border border-base-300 bg-base-100 p-1 text-sm shadow-sheet"


def search_field(placeholder: str, class_name: str, *more: rx.Component) -> rx.Component:
    return rx.el.label(
        rx.icon("search", class_name="ico text-muted"),
        rx.el.input(
            type="search",
            default_value=Studies.keyword,
            key=Studies.cleared.to(str),
            on_change=Studies.search.debounce(250),
            placeholder=t(placeholder),
            aria_label=t("studies.search_label"),
            auto_complete="off",
            spell_check=False,
            max_length=64,
            custom_attrs={"data-search": "true"},
        ),
        *more,
        class_name=class_name,
    )


def work_views(class_name: str) -> rx.Component:
    def view(name: View) -> rx.Component:
        current = Studies.chosen["view"][0] == name.value
        count = Studies.waiting[name.value]
        link = rx.el.button(
            t("view." + name),
            None
            if name is View.ALL
            else rx.cond(
                count > 0,
                rx.el.span(rx.cond(count >= 1000, "999+", count), class_name="num text-xs text-muted"),
            ),
            type="button",
            on_click=Studies.choose("view", name.value),
            aria_current=rx.cond(current, "true", "false"),
            custom_attrs={"data-view": name.value},
            class_name=rx.cond(
                current,
                "tap flex h-9 items-center justify-center gap-1.5 border-b-2 border-primary px-0.5 font-medium whitespace-nowrap lg:min-h-0 lg:min-w-0",
                "tap flex h-9 items-center justify-center gap-1.5 border-b-2 border-transparent px-0.5 text-muted whitespace-nowrap hover:text-base-content lg:min-h-0 lg:min-w-0",
            ),
        )
        return rx.cond(may(_FOR[name]), link) if name in _FOR else link

    return rx.el.nav(*(view(name) for name in View), class_name=class_name, aria_label=t("studies.views"))


def take_next() -> rx.Component:
    return rx.cond(
        may("report.write"),
        rx.el.button(
            rx.icon("arrow-right", class_name="ico"),
            t("studies.take_next"),
            type="button",
            on_click=Studies.take_next,
            id="take-next",
            class_name="btn btn-sm btn-primary",
        ),
    )


def filter_bar() -> rx.Component:
    return rx.el.div(
        _days(),
        _range(),
        _menu("modality", [("modality", list(MODALITIES))]),
        _menu("status", [("status", [status.value for status in ReportStatus])]),
        _menu(
            "more",
            [("class", [c.value for c in PatientClass]), ("contrast", [c.value for c in Contrast])],
        ),
        rx.cond(
            Studies.narrowing > 0,
            rx.el.button(
                t("studies.clear_filters"),
                type="button",
                on_click=Studies.clear,
                class_name="btn btn-sm btn-ghost font-normal text-muted",
            ),
        ),
        rx.el.span(
            rx.cond(
                has_connection_errors,
                None,
                rx.el.span(
                    rx.el.span(class_name="size-1.5 rounded-full bg-success", aria_hidden=True),
                    t("studies.live"),
                    rx.el.span(class_name="h-3 w-px bg-base-300", aria_hidden=True),
                    class_name="flex items-center gap-2",
                ),
            ),
            rx.cond(
                Studies.total != "",
                rx.el.span(t("studies.total", n=Studies.total), class_name="num", id="total"),
            ),
            column_menu(),
            class_name="ml-auto flex items-center gap-2 text-sm whitespace-nowrap text-muted",
        ),
        class_name="flex items-center gap-2 border-y border-base-300 bg-base-100 px-4 py-1.5",
    )


def _days() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.button(
                t("days." + days),
                type="button",
                on_click=Studies.choose("days", days.value),
                aria_pressed=Studies.chosen["days"].contains(days.value),
                custom_attrs={"data-days": days.value},
            )
            for days in Days
        ),
        role="group",
        aria_label=t("filter.days"),
        class_name="seg flex-none",
    )


def _range() -> rx.Component:
    def end(name: str) -> rx.Component:
        return rx.el.input(
            type="date",
            default_value=Studies.chosen[name][0],
            key=name + Studies.chosen[name].join(""),
            on_change=lambda value: Studies.choose(name, value),
            aria_label=t("days." + name),
            custom_attrs={"data-range": name},
            class_name="input input-sm num w-34 px-2",
        )

    return rx.cond(
        Studies.chosen["days"].contains(Days.RANGE.value),
        rx.el.span(end("from"), "–", end("to"), class_name="flex items-center gap-1"),
    )


def _menu(name: str, groups: list[tuple[str, list[str]]]) -> rx.Component:
    """A drop-down of check boxes; `groups` are (name in the address, its values)."""
    number = sum((Studies.chosen[group].length() for group, _ in groups), start=rx.Var.create(0))

    def box(group: str, value: str) -> rx.Component:
        return rx.el.label(
            rx.el.input(
                type="checkbox",
                checked=Studies.chosen[group].contains(value),
                on_change=lambda _: Studies.choose(group, value),
                custom_attrs={"data-filter": f"{group}:{value}"},
                class_name="checkbox checkbox-xs",
            ),
            option(group, value),
            class_name="flex h-8 items-center gap-2 rounded px-2 hover:bg-base-200",
        )

    def part(group: str, values: list[str]) -> rx.Component:
        return rx.el.fieldset(
            rx.el.legend(t("filter." + group), class_name="px-2 pt-1 text-xs text-muted")
            if len(groups) > 1
            else None,
            *(box(group, value) for value in values),
        )

    return rx.el.details(
        rx.el.summary(
            t("filter." + name),
            rx.cond(number > 0, rx.el.span(number, class_name="badge badge-xs badge-primary num")),
            rx.icon("chevron-down", class_name="ico text-muted"),
            class_name="btn btn-sm btn-ghost gap-1 border border-base-300 font-normal",
            custom_attrs={"data-menu": name},
        ),
        rx.el.div(*(part(*group) for group in groups), class_name=_MENU),
        class_name="dropdown",
    )


def option(group: str, value: str) -> rx.Component | rx.Var[str]:
    if group == "status":
        return status_badge(rx.Var.create(value))
    return t({"class": "patient_class."}.get(group, group + ".") + value)


def new_line() -> rx.Component:
    """Counts what arrived; nothing on the page moves until the reader asks for it."""
    return rx.cond(
        Studies.arrived > 0,
        rx.el.button(
            rx.icon("arrow-up", class_name="ico"),
            t("studies.arrived", n=rx.cond(Studies.arrived >= 50, "50+", Studies.arrived.to(str))),
            type="button",
            on_click=Studies.show_top,
            id="show-arrived",
            aria_live="polite",
            class_name=(
                "tap flex h-7 w-full flex-none items-center justify-center gap-1.5 border-b border-base-300 bg-wash "
                "text-sm text-primary lg:min-h-0"
            ),
        ),
    )


def shown_range() -> rx.Component:
    return rx.cond(
        Studies.rows.length() > 0,
        rx.el.span(
            t("studies.range", first=Studies.number, last=Studies.number + Studies.rows.length() - 1),
            class_name="num",
            id="shown-range",
        ),
    )


def paging(size: str, ids: str) -> rx.Component:
    def turn(label: str, icon: str, on_click: object, enabled: rx.Var[bool], name: str) -> rx.Component:
        return rx.el.button(
            rx.icon(icon, class_name="ico"),
            type="button",
            on_click=on_click,
            disabled=~enabled,
            aria_label=t(label),
            id=f"{ids}-{name}",
            class_name=size,
        )

    return rx.el.span(
        turn("studies.previous_page", "chevron-left", Studies.previous_page, Studies.number > 1, "previous"),
        turn("studies.next_page", "chevron-right", Studies.next_page, Studies.more, "next"),
        class_name="join",
    )


def key(name: str) -> rx.Component:
    return rx.el.kbd(name, class_name="kbd kbd-xs")


def footer() -> rx.Component:
    def hint(text: str, *keys: str) -> rx.Component:
        return rx.el.span(*(key(k) for k in keys), t(text), class_name="flex items-center gap-1")

    return rx.el.footer(
        hint("keys.move", "↑", "↓"),
        hint("keys.images", "Enter"),
        hint("keys.report", "R"),
        rx.el.button(
            key("?"),
            t("keys.all"),
            type="button",
            custom_attrs={"command": "show-modal", "commandfor": "keys"},
            class_name="flex items-center gap-1 hover:text-base-content",
        ),
        rx.el.span(class_name="flex-1"),
        shown_range(),
        paging("btn btn-xs btn-ghost btn-square join-item", "page"),
        class_name="flex h-10 flex-none items-center gap-4 border-t border-base-300 bg-base-100 px-4 text-sm text-muted",
    )


def key_help() -> rx.Component:
    lines = (
        (("↑", "↓"), "keys.move"),
        (("Enter",), "keys.images"),
        (("R",), "keys.report"),
        (("[", "]"), "keys.pages"),
        (("/",), "keys.search"),
        (("Esc",), "keys.leave"),
    )
    return rx.el.dialog(
        rx.el.div(
            rx.el.h2(t("keys.title"), class_name="text-lg font-semibold", id="keys-title"),
            rx.el.dl(
                *(
                    rx.fragment(
                        rx.el.dt(*(key(name) for name in keys), class_name="flex gap-1"), rx.el.dd(t(text))
                    )
                    for keys, text in lines
                ),
                class_name="mt-4 grid grid-cols-[5rem_1fr] items-center gap-y-2.5",
            ),
            rx.el.p(t("keys.double"), class_name="mt-4 text-sm text-muted"),
            rx.el.div(
                rx.el.button(
                    t("ui.close"),
                    type="button",
                    auto_focus=True,
                    custom_attrs={"command": "close", "commandfor": "keys"},
                    class_name="btn btn-sm",
                ),
                class_name="modal-action",
            ),
            class_name="modal-box max-w-sm",
        ),
        id="keys",
        class_name="modal",
        aria_labelledby="keys-title",
    )
