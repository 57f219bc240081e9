"""The entries: a table on the PC, two lines each on the phone."""

from typing import Any

import reflex as rx

from mip_app.auditing.state import AuditTrail
from mip_app.core.i18n import language, t

_COLUMNS = (
    ("time", "w-36"),
    ("person", "w-32"),
    ("act", "w-32"),
    ("object", "w-24"),
    ("content", ""),
    ("address", "w-40"),
    ("result", "w-24"),
)


def table() -> rx.Component:
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                *(
                    rx.el.th(t(f"audit.column.{name}"), scope="col", class_name=width)
                    for name, width in _COLUMNS
                ),
                class_name="h-8",
            ),
            class_name="border-y border-base-300 bg-base-200 text-xs text-muted [&_th]:font-normal",
        ),
        rx.el.tbody(rx.foreach(AuditTrail.rows, _line), id="audit-rows"),
        class_name="w-full table-fixed border-collapse text-sm max-lg:hidden [&_td]:px-2 [&_td:first-child]:pl-6 [&_td:last-child]:pr-6 [&_th]:px-2 [&_th]:text-left [&_th:first-child]:pl-6 [&_th:last-child]:pr-6",
    )


def _line(row: Any) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row["time"], class_name="num whitespace-nowrap"),
        rx.el.td(_who(row), class_name="truncate"),
        rx.el.td(_act(row), class_name="truncate font-medium"),
        rx.el.td(_object(row), class_name="truncate text-muted"),
        rx.el.td(_content(row), class_name="num truncate"),
        rx.el.td(_address(row), class_name="num truncate text-muted"),
        rx.el.td(_result(row)),
        class_name="h-10 border-b border-base-300/70 hover:bg-base-200",
        custom_attrs={"data-act": row["act"], "data-result": row["result"]},
    )


def cards() -> rx.Component:
    return rx.el.ol(rx.foreach(AuditTrail.rows, _card), class_name="lg:hidden", id="audit-cards")


def _card(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.p(
            rx.el.span(_act(row), class_name="font-medium"),
            rx.el.span(_who(row), class_name="truncate"),
            rx.el.span(_result(row), class_name="ml-auto flex-none"),
            class_name="flex gap-2 text-base",
        ),
        rx.el.p(_content(row), class_name="num line-clamp-4 text-sm break-words"),
        rx.el.p(
            rx.el.span(row["time"], class_name="num"),
            rx.el.span(_address(row), class_name="num ml-auto"),
            class_name="flex gap-2 text-sm text-muted",
        ),
        class_name="min-h-16 border-b border-base-300/70 px-4 py-2.5",
        custom_attrs={"data-act": row["act"], "data-result": row["result"]},
    )


def _who(row: Any) -> rx.Var[str]:
    return rx.cond(row["who"] != "", row["who"], t("audit.nobody"))


def _act(row: Any) -> rx.Var[str]:
    return t("audit.act." + row["act"].to(str), fallback=row["act"])


def _object(row: Any) -> rx.Var[str]:
    return rx.cond(row["kind"] != "", t("audit.object." + row["kind"].to(str)), "—")


def _content(row: Any) -> rx.Component:
    """The study, the person, and what else is to be said."""
    said = rx.cond(language() == "zh", row["said"]["zh"], row["said"]["en"])
    parts = (row["study"], row["person"], said)
    shown: list[rx.Component] = []
    something: rx.Var[bool] = rx.Var.create(False)
    for part in parts:
        # A point stands between two parts, and nowhere else.
        shown.append(rx.cond(part != "", rx.fragment(rx.cond(something, " · ", ""), part)))
        something = something | (part != "")
    return rx.el.span(*shown, title=rx.cond(said == "", row["study"], said))


def _address(row: Any) -> rx.Var[str]:
    return rx.cond(row["address"] != "", row["address"], "—")


def _result(row: Any) -> rx.Component:
    return rx.el.span(
        t("audit.result." + row["result"].to(str)),
        class_name=rx.cond(row["result"] == "done", "text-muted", "text-error"),
    )
