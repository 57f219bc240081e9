"""The list on the phone: lines of three rows, the picture at the left, the act at the right."""

import reflex as rx

from mip_app.core.i18n import t
from mip_app.studies import parts
from mip_app.studies.parts import RowVar, Studies


def _picture(row: RowVar) -> rx.Component:
    return parts.images_link(
        row,
        rx.el.span(row.modality, class_name="col-start-1 row-start-1 text-xs text-[#909da5]"),
        rx.el.img(
            src="/dicom-web/studies/" + row.uid + "/thumbnail",
            alt="",
            loading="lazy",
            decoding="async",
            custom_attrs={"data-thumbnail": "true"},
            class_name="col-start-1 row-start-1 size-full object-cover",
        ),
        aria_label=t("studies.open_images"),
        class_name="mt-3 grid size-16 flex-none place-items-center overflow-hidden rounded-md bg-black",
    )


def _when(row: RowVar) -> rx.Var[str]:
    short = t("date.short", month=t("month." + row.time[5:7]), day=row.time[8:10], time=row.time[11:])
    return rx.cond(row.time[:4] == Studies.this_year, short, row.time[:10])


def _card(row: RowVar) -> rx.Component:
    return rx.el.li(
        _picture(row),
        rx.el.div(
            parts.images_link(
                row,
                rx.el.span(
                    parts.name(row, "text-lg"),
                    parts.emergency_tag(row),
                    rx.el.span(
                        parts.sex(row), " ", parts.age(row), class_name="num flex-none text-sm text-muted"
                    ),
                    class_name="flex items-center gap-1.5",
                ),
                rx.el.span(
                    row.modality,
                    " ",
                    rx.cond(row.body_part != "", parts.body_part(row), ""),
                    rx.cond(
                        row.description != "",
                        rx.el.span(" · " + row.description, class_name="text-muted"),
                    ),
                    class_name="mt-0.5 block truncate text-base",
                ),
                class_name="block",
            ),
            rx.el.span(
                rx.cond(row.time != "", rx.el.span(_when(row), class_name="num text-muted")),
                parts.report_badge(row),
                parts.writer(row, minutes=False),
                parts.whose(row),
                class_name="mt-1 flex items-center gap-2.5 overflow-hidden text-sm whitespace-nowrap",
            ),
            class_name="min-w-0 flex-1 py-3",
        ),
        rx.el.div(
            parts.report_link(
                row,
                class_name="flex min-h-11 min-w-11 flex-1 items-center justify-center text-base font-medium text-primary",
            ),
            *(act(row, "btn btn-square btn-ghost text-muted") for act in parts.more_acts),
            class_name="flex min-w-15 flex-none flex-col items-center pr-2 empty:hidden",
        ),
        key=row.uid,
        custom_attrs={"data-uid": row.uid},
        class_name="flex gap-3 border-b border-base-300/70 bg-base-100 pl-4",
    )


def study_cards() -> rx.Component:
    return rx.el.ul(rx.foreach(parts.rows(), _card), id="study-cards")


def skeleton_cards() -> rx.Component:
    def card() -> rx.Component:
        return rx.el.li(
            rx.el.span(class_name="skeleton size-16 flex-none rounded-md"),
            rx.el.span(
                rx.el.span(class_name="skeleton block h-4 w-32 rounded-sm"),
                rx.el.span(class_name="skeleton mt-2.5 block h-3.5 w-48 rounded-sm"),
                rx.el.span(class_name="skeleton mt-2.5 block h-3.5 w-36 rounded-sm"),
                class_name="flex-1",
            ),
            class_name="flex gap-3 border-b border-base-300/70 bg-base-100 py-3 pl-4",
        )

    return rx.el.ul(*(card() for _ in range(7)), aria_hidden=True)
