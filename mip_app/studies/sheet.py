"""The filter sheet of the phone."""

import reflex as rx

from mip_app.core.i18n import t
from mip_app.studies.bars import option
from mip_app.studies.filters import MODALITIES, Days
from mip_app.studies.models import Contrast, PatientClass, ReportStatus
from mip_app.studies.sheet_state import Sheet
from mip_app.studies.state import Studies

_CHIP = (
    "inline-flex h-11 cursor-pointer items-center rounded-field border border-base-300 px-4 text-base "
    "has-[:checked]:border-primary has-[:checked]:bg-wash has-[:checked]:font-medium has-[:checked]:text-primary "
    "has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-primary"
)


def _group(name: str, values: list[str], kind: str = "checkbox") -> rx.Component:
    def chip(value: str) -> rx.Component:
        return rx.el.label(
            rx.el.input(
                type=kind,
                name="sheet-" + name,
                checked=Sheet.draft[name].contains(value),
                on_change=lambda _: Sheet.choose(name, value),
                custom_attrs={"data-chip": f"{name}:{value}"},
                class_name="sr-only",
            ),
            option(name, value),
            class_name=_CHIP,
        )

    return rx.el.fieldset(
        rx.el.legend(t("filter." + name), class_name="text-base text-muted"),
        rx.el.div(*(chip(value) for value in values), class_name="mt-2 flex flex-wrap gap-2"),
        _range() if name == "days" else None,
        class_name="px-4 py-3",
    )


def _range() -> rx.Component:
    def end(name: str) -> rx.Component:
        return rx.el.input(
            type="date",
            default_value=Sheet.draft[name][0],
            key=name + Sheet.draft[name].join(""),
            on_change=lambda value: Sheet.choose(name, value),
            aria_label=t("days." + name),
            class_name="input num min-w-0 flex-1",
        )

    return rx.cond(
        Sheet.draft["days"].contains(Days.RANGE.value),
        rx.el.div(end("from"), "–", end("to"), class_name="mt-2 flex items-center gap-2"),
    )


def open_sheet() -> rx.Component:
    return rx.el.button(
        rx.icon("sliders-horizontal", class_name="ico"),
        t("studies.filters"),
        rx.cond(
            Studies.narrowing > 0,
            rx.el.span(Studies.narrowing, class_name="badge badge-xs badge-primary num"),
        ),
        type="button",
        on_click=Sheet.begin,
        id="open-filter",
        custom_attrs={"command": "show-modal", "commandfor": "filter"},
        class_name="btn btn-ghost relative border border-base-300 font-normal",
    )


def filter_sheet() -> rx.Component:
    return rx.el.dialog(
        rx.el.div(
            rx.el.h2(t("studies.filters"), class_name="text-xl font-semibold", id="filter-title"),
            rx.el.button(
                t("studies.clear"),
                type="button",
                on_click=Sheet.clear,
                class_name="btn btn-ghost ml-auto font-normal text-muted",
            ),
            class_name="flex h-12 items-center pr-2 pl-4",
        ),
        _group("days", [days.value for days in Days], "radio"),
        _group("status", [status.value for status in ReportStatus]),
        _group("modality", list(MODALITIES)),
        _group("class", [value.value for value in PatientClass]),
        _group("contrast", [value.value for value in Contrast]),
        rx.el.div(
            rx.el.button(
                t("studies.cancel"),
                type="button",
                custom_attrs={"command": "close", "commandfor": "filter"},
                class_name="btn btn-lg flex-1",
            ),
            rx.el.button(
                t("studies.show_found", n=Sheet.found),
                type="button",
                on_click=Sheet.apply,
                id="apply-filter",
                custom_attrs={"command": "close", "commandfor": "filter"},
                class_name="btn btn-lg btn-primary flex-[2]",
            ),
            class_name="sticky bottom-0 flex gap-3 border-t border-base-300 bg-base-100 px-4 pt-3 pb-safe",
        ),
        id="filter",
        class_name="sheet lg:hidden",
        aria_labelledby="filter-title",
    )
