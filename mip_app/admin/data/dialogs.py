"""What data maintenance asks before each act."""

from typing import Any

import reflex as rx

from mip_app.admin.data import state
from mip_app.admin.data.pieces import dialog, person, sender, study_line
from mip_app.admin.forms import field, labelled, modal, refused
from mip_app.core.i18n import t

Data: Any = state.DataPage


def all_of_them() -> rx.Component:
    return rx.fragment(
        _merge(), _apart(), _correct(), _accession(), _move(), _undo(),
        _compare(), _discard(), _replace(), _ask(), _confirm(), _cancel(),
    )  # fmt: skip


def _choice(value: str, who: Any, checked: bool) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="radio", name="keep", value=value, default_checked=checked, class_name="radio radio-sm mt-2"
        ),
        person(who),
        class_name="flex cursor-pointer items-start gap-2",
    )


def _merge() -> rx.Component:
    return dialog(
        "merge",
        "data.merge",
        rx.el.fieldset(
            rx.el.legend(t("data.which_right"), class_name="mb-1.5 text-muted"),
            _choice("first", Data.first, True),
            _choice("other", Data.other, False),
            class_name="flex flex-col gap-2",
        ),
        more="data.merge_more",
        verb="data.merge",
    )


def _apart() -> rx.Component:
    return dialog(
        "apart",
        "data.apart",
        person(Data.other),
        _id_fields(""),
        more="data.apart_more",
        verb="data.apart_do",
    )


def _id_fields(value: Any, issuer: Any = "") -> rx.Component:
    return rx.el.div(
        field(
            Data, "patient_id", "data.patient_id", element_id="data-patient-id", value=value, max_length=64
        ),
        field(Data, "issuer", "data.issuer", element_id="data-issuer", value=issuer, max_length=64),
        class_name="grid gap-3 lg:grid-cols-2",
    )


def _correct() -> rx.Component:
    return dialog(
        "correct",
        "data.correct",
        field(
            Data,
            "name",
            "data.person_name",
            element_id="data-name",
            value=Data.first.person_name,
            hint="data.person_name_hint",
            required=True,
            max_length=192,
        ),  # fmt: skip
        rx.el.div(
            labelled(
                Data,
                "sex",
                "data.sex",
                rx.el.select(
                    *(rx.el.option(t(f"sex.{one or 'U'}"), value=one) for one in ("M", "F", "O", "")),
                    name="sex",
                    id="data-sex",
                    default_value=rx.cond(Data.first.sex == "U", "", Data.first.sex),
                    class_name="select w-full",
                ),
                element_id="data-sex",
            ),
            field(
                Data,
                "birth_date",
                "data.birth_date",
                element_id="data-birth",
                value=Data.first.birth_date,
                type="date",
            ),
            class_name="grid gap-3 lg:grid-cols-2",
        ),
        _id_fields(Data.first.patient_id, Data.first.issuer),
        more="data.correct_more",
        verb="data.correct_do",
    )


def _accession() -> rx.Component:
    return dialog(
        "accession",
        "data.accession_correct",
        study_line(Data.study),
        field(
            Data,
            "accession",
            "data.accession",
            element_id="data-accession",
            value=Data.study.accession,
            max_length=16,
        ),
        verb="data.correct_do",
    )


def _move() -> rx.Component:
    return dialog(
        "move",
        "data.move",
        study_line(Data.study),
        person(Data.first, label="data.now"),
        _id_fields(""),
        more="data.move_more",
        verb="data.move",
    )


def _undo() -> rx.Component:
    return dialog("undo", "data.undo_title", more="data.undo_more", verb="data.undo", reason=False)


def _version(title: str, side: str, version: Any) -> rx.Component:
    return rx.el.figure(
        rx.el.figcaption(t(title), class_name="font-medium"),
        rx.el.img(
            src=f"/data/picture/{Data.key}/{side}",
            alt=t(title),
            class_name="aspect-square w-full rounded-field bg-neutral object-contain",
        ),
        rx.el.span(version.size, class_name="num text-sm"),
        rx.el.span(version.received, class_name="num text-sm text-muted"),
        rx.el.span(sender(version.sender), class_name="text-sm break-words text-muted empty:hidden"),
        rx.el.span(version.digest, class_name="font-mono text-xs text-muted"),
        class_name="flex min-w-0 flex-col gap-0.5",
    )


def _difference(row: Any) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.span(row.name, class_name="block wrap-anywhere"),
            rx.el.span(row.tag, class_name="font-mono text-xs text-muted"),
            class_name="py-1 pr-2 align-top",
        ),
        rx.el.td(row.kept, class_name="py-1 pr-2 align-top wrap-anywhere"),
        rx.el.td(row.aside, class_name="py-1 align-top wrap-anywhere"),
        key=row.tag,
        class_name="border-t border-base-300/70",
    )


def _compare() -> rx.Component:
    both = Data.comparison
    return modal(
        "data-compare",
        Data.mode == "compare",
        Data.close,
        t("data.compare"),
        rx.el.div(
            rx.el.div(
                _version("data.kept", "kept", both.kept),
                _version("data.aside", "aside", both.aside),
                class_name="grid grid-cols-2 gap-4",
            ),
            rx.cond(both.pixels, rx.el.p(t("data.pixels_differ"), class_name="text-sm text-warning-content")),
            rx.cond(
                both.differences.length() > 0,
                rx.el.table(
                    rx.el.thead(
                        rx.el.tr(
                            rx.el.th(t("data.attribute"), class_name="w-1/3 py-1 text-left font-normal text-muted"),
                            rx.el.th(t("data.kept"), class_name="py-1 text-left font-normal text-muted"),
                            rx.el.th(t("data.aside"), class_name="py-1 text-left font-normal text-muted"),
                        )
                    ),
                    rx.el.tbody(rx.foreach(both.differences, _difference)),
                    id="data-differences",
                    class_name="w-full table-fixed text-sm",
                ),
                rx.el.p(t("data.no_attribute_differs"), class_name="text-sm text-muted"),
            ),
            rx.cond(both.more > 0, rx.el.p(t("data.more_differences", n=both.more), class_name="text-sm text-muted")),
            refused(Data),
            class_name="flex flex-col gap-3 px-6 pt-3",
        ),
        rx.el.div(
            rx.el.button(t("data.undecided"), type="button", on_click=Data.close, class_name="btn btn-ghost"),
            rx.el.button(
                t("data.keep_first"), type="button", on_click=Data.open("discard", Data.key), id="to-discard",
                class_name="btn border border-base-300",
            ),
            rx.cond(
                both.replaceable,
                rx.el.button(
                    t("data.take_other"), type="button", on_click=Data.open("replace", Data.key), id="to-replace",
                    class_name="btn border border-base-300",
                ),
            ),
            class_name="mt-5 flex flex-wrap justify-end gap-2 border-t border-base-300 px-6 py-4",
        ),
        wide=True,
    )  # fmt: skip


def _discard() -> rx.Component:
    return dialog(
        "discard", "data.keep_first", more="data.discard_more", verb="data.discard", reason=False, danger=True
    )


def _replace() -> rx.Component:
    return dialog("replace", "data.take_other", more="data.replace_more", verb="data.replace", reason=False)


def _what_goes() -> rx.Component:
    size = Data.extent

    def line(label: str, value: Any) -> rx.Component:
        return rx.cond(
            value != "",
            rx.fragment(
                rx.el.dt(t(label), class_name="text-muted"), rx.el.dd(value, class_name="num wrap-anywhere")
            ),
        )

    return rx.el.dl(
        line("data.patient", Data.study.who.name),
        line("data.patient_id", Data.study.who.patient_id),
        line("data.accession", Data.study.accession),
        line("data.description", Data.study.description),
        line("data.date", Data.study.date),
        line("data.series", size["series"]),
        line("data.image_count", size["instances"]),
        line("data.size", size["size"]),
        line("data.tab_aside", size["aside"]),
        line("data.report_versions", size["versions"]),
        id="data-extent",
        class_name="grid grid-cols-[7rem_1fr] gap-y-1 rounded-field border border-base-300 px-3 py-2",
    )


def _signed() -> rx.Component:
    return rx.cond(
        Data.extent["deletable"] == "",
        rx.el.p(
            rx.icon("circle-alert", class_name="ico flex-none"),
            t("data.signed_report"),
            class_name="flex items-start gap-2 rounded-field bg-wash-error px-3 py-2 text-error",
        ),
    )


def _ask() -> rx.Component:
    return dialog(
        "ask", "data.ask", _what_goes(), _signed(), more="data.ask_more", verb="data.ask_do", danger=True
    )


def _confirm() -> rx.Component:
    return dialog(
        "confirm", "data.confirm", _what_goes(), _signed(), more="data.confirm_more", verb="data.confirm_do",
        reason=False, danger=True,
    )  # fmt: skip


def _cancel() -> rx.Component:
    return dialog("cancel", "data.cancel", study_line(Data.study), verb="data.cancel", reason=False)
