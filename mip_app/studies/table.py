"""The list on the PC: a table of lines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.studies import layout_state, parts
from mip_app.studies.layout_state import DENSITIES, HIDEABLE
from mip_app.studies.parts import RowVar, Studies

Layout: Any = layout_state.Layout  # see parts.Studies


@dataclass(frozen=True)
class Column:
    name: str
    head: str  # class names, as those of its cells whole: the stylesheet is made from them
    cell: str
    content: Callable[[RowVar], rx.Component | rx.Var[str]]
    sort: str = ""


def _moment(value: Any) -> rx.Component:
    """2026-11-24 14:32, this year's number muted."""
    return rx.el.span(
        rx.el.span(
            value[:5],
            class_name=rx.cond(value[:4] == Studies.this_year, "text-muted", ""),
        ),
        value[5:],
    )


def _printed(row: RowVar) -> rx.Component:
    short = rx.cond(row.printed[:4] == Studies.this_year, row.printed[5:], row.printed[:10])
    return parts.or_missing(row.printed, rx.el.span(short, title=row.printed))


def _description(row: RowVar) -> rx.Component:
    said = parts.or_missing(row.description, rx.el.span(row.description, title=row.description))
    whose = rx.el.span(parts.whose(row), class_name="mr-2 inline-flex max-w-1/2")
    return rx.fragment(rx.cond(row.whose != "", whose), said)


def _acts(row: RowVar) -> rx.Component:
    return rx.el.span(
        *(act(row, "btn btn-square btn-ghost btn-xs", tab_index=-1) for act in parts.more_acts),
        parts.images_link(
            row, t("studies.images"), tab_index=-1, class_name="btn btn-ghost btn-xs font-normal"
        ),
        rx.el.span(
            parts.report_link(
                row,
                tab_index=-1,
                class_name=(
                    "btn btn-ghost btn-xs font-normal text-primary group-aria-selected:border-primary "
                    "group-aria-selected:bg-base-100"
                ),
            ),
            class_name="flex min-w-12 justify-end",
        ),
        class_name="flex justify-end gap-0.5",
    )


COLUMNS = (
    Column(
        "name",
        "w-40",
        "",
        lambda row: rx.el.span(
            parts.name(row, "text-base"), parts.emergency_tag(row), class_name="flex items-center gap-1.5"
        ),
    ),
    Column(
        "pid",
        "w-28 group-data-[hidden~=pid]/list:hidden",
        "num truncate text-muted group-data-[hidden~=pid]/list:hidden",
        lambda row: parts.or_missing(row.patient_id),
    ),
    Column(
        "sex",
        "w-22 group-data-[hidden~=sex]/list:hidden",
        "num whitespace-nowrap group-data-[hidden~=sex]/list:hidden",
        lambda row: rx.el.span(
            rx.el.span(parts.sex(row), class_name="inline-block min-w-4"),
            rx.el.span(parts.age(row), class_name="inline-block w-11 text-right"),
        ),
    ),
    Column(
        "modality",
        "w-13 group-data-[hidden~=modality]/list:hidden",
        "truncate font-medium group-data-[hidden~=modality]/list:hidden",
        lambda row: parts.or_missing(row.modality),
    ),
    Column(
        "part",
        "w-20 group-data-[hidden~=part]/list:hidden",
        "truncate group-data-[hidden~=part]/list:hidden",
        lambda row: parts.or_missing(row.body_part, parts.body_part(row)),
    ),
    Column(
        "description",
        "group-data-[hidden~=description]/list:hidden",
        "truncate group-data-[hidden~=description]/list:hidden",
        _description,
    ),
    Column(
        "time",
        "w-34 group-data-[hidden~=time]/list:hidden",
        "num whitespace-nowrap group-data-[hidden~=time]/list:hidden",
        lambda row: parts.or_missing(row.time, _moment(row.time)),
        sort="studied",
    ),
    Column(
        "images",
        "w-22 text-right group-data-[hidden~=images]/list:hidden",
        "num whitespace-nowrap text-right group-data-[hidden~=images]/list:hidden",
        lambda row: rx.el.span(rx.el.span(row.series.to(str) + " · ", class_name="text-muted"), row.images),
    ),
    Column(
        "report",
        "w-28 pl-6 group-data-[hidden~=report]/list:hidden",
        "pl-6 group-data-[hidden~=report]/list:hidden",
        parts.report_badge,
    ),
    Column(
        "editor",
        "w-30 group-data-[hidden~=editor]/list:hidden",
        "group-data-[hidden~=editor]/list:hidden",
        parts.writer,
    ),
    Column(
        "printed",
        "w-28 group-data-[hidden~=printed]/list:hidden",
        "num whitespace-nowrap group-data-[hidden~=printed]/list:hidden",
        _printed,
        sort="printed",
    ),
    Column("acts", "w-40 text-right", "", _acts),
)

_EDGES = (
    "[&_td]:px-2 [&_th]:px-2 [&_td:first-child]:pl-4 [&_th:first-child]:pl-4 [&_td:last-child]:pr-4 "
    "[&_th:last-child]:pr-4 [&_th]:text-left [&_th.text-right]:text-right"
)


def _head(column: Column) -> rx.Component:
    title = t("column." + column.name)
    if not column.sort:
        return rx.el.th(title, class_name=column.head, scope="col")
    order = Studies.chosen["sort"][0]
    newest, oldest = order == column.sort, order == column.sort + "-oldest"
    icon = rx.cond(
        newest,
        rx.icon("arrow-down", class_name="ico"),
        rx.cond(oldest, rx.icon("arrow-up", class_name="ico"), rx.icon("chevrons-up-down", class_name="ico")),
    )
    return rx.el.th(
        rx.el.button(
            title,
            icon,
            type="button",
            on_click=Studies.choose("sort", column.sort),
            id="sort-" + column.sort,
            class_name=rx.cond(
                newest | oldest,
                "inline-flex items-center gap-1 font-semibold text-base-content",
                "inline-flex items-center gap-1 hover:text-base-content",
            ),
        ),
        custom_attrs={"aria-sort": rx.cond(newest, "descending", rx.cond(oldest, "ascending", "none"))},
        class_name=column.head,
        scope="col",
    )


def _row(row: RowVar) -> rx.Component:
    return rx.el.tr(
        *(rx.el.td(column.content(row), class_name=column.cell) for column in COLUMNS),
        key=row.uid,
        custom_attrs={"data-uid": row.uid},
        class_name=(
            "group h-10 scroll-mt-9 border-b border-base-300/70 outline-none hover:bg-base-200 "
            "group-data-[density=compact]/list:h-8.5 group-data-[density=roomy]/list:h-12 "
            "aria-selected:bg-base-200 aria-selected:shadow-[inset_2px_0_0_var(--color-primary)]"
        ),
    )


def table_head() -> rx.Component:
    return rx.el.thead(
        rx.el.tr(*(_head(column) for column in COLUMNS), class_name="h-8"),
        class_name="sticky top-0 z-10 bg-base-200 text-xs text-muted [&_th]:font-normal",
    )


def table(*body: rx.Component) -> rx.Component:
    return rx.el.table(
        table_head(),
        *body,
        class_name="group/list w-full min-w-[76rem] table-fixed border-collapse text-sm " + _EDGES,
        custom_attrs={"data-hidden": Layout.hidden.join(" "), "data-density": Layout.density},
    )


def study_rows() -> rx.Component:
    return rx.el.tbody(rx.foreach(parts.rows(), _row), id="study-rows")


def skeleton_rows() -> rx.Component:
    """What is there before the first rows are: of their size."""

    def bar(width: str) -> rx.Component:
        return rx.el.td(rx.el.span(class_name="skeleton block h-3.5 rounded-sm " + width))

    def line(widths: tuple[str, ...]) -> rx.Component:
        return rx.el.tr(*(bar(width) for width in widths), class_name="h-10 border-b border-base-300/70")

    short = ("w-14", "w-20", "w-12", "w-6", "w-10", "w-40", "w-28", "w-14", "w-12", "w-12", "w-16", "w-20")
    long = ("w-18", "w-20", "w-12", "w-6", "w-8", "w-56", "w-28", "w-12", "w-14", "w-10", "w-12", "w-20")
    return rx.el.tbody(*(line(long if n % 3 else short) for n in range(12)), aria_hidden=True)


def column_menu() -> rx.Component:
    """Which columns, and how high the rows."""

    def column(name: str) -> rx.Component:
        return rx.el.label(
            rx.el.input(
                type="checkbox",
                checked=~Layout.hidden.contains(name),
                on_change=lambda _: Layout.toggle(name),
                class_name="checkbox checkbox-xs",
            ),
            t("column." + name),
            class_name="flex h-8 items-center gap-2 rounded px-2 hover:bg-base-200",
        )

    def density(name: str) -> rx.Component:
        return rx.el.button(
            t("density." + name),
            type="button",
            on_click=Layout.space(name),
            aria_pressed=Layout.density == name,
        )

    return rx.el.details(
        rx.el.summary(
            rx.icon("columns-3-cog", class_name="ico text-muted"),
            title=t("studies.columns"),
            aria_label=t("studies.columns"),
            class_name="btn btn-ghost btn-sm btn-square",
            id="column-menu",
        ),
        rx.el.div(
            rx.el.p(t("studies.columns"), class_name="px-2 pt-1 text-xs text-muted"),
            *(column(name) for name in HIDEABLE),
            rx.el.p(
                t("studies.density"), class_name="mt-1 border-t border-base-300 px-2 pt-2 text-xs text-muted"
            ),
            rx.el.div(*(density(name) for name in DENSITIES), role="group", class_name="seg m-1"),
            class_name=(
                "dropdown-content z-30 mt-1 w-max min-w-44 rounded-box border border-base-300 bg-base-100 p-1 text-sm "
                "shadow-sheet"
            ),
        ),
        class_name="dropdown dropdown-end",
    )
