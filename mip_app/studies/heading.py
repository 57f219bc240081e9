"""The bar above everything with images or text of one patient: who, which study. One wording everywhere."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.studies import parts

StudyVar = (
    Any  # a variable of type `service.StudyLine`: it has attributes, which the type checker cannot know
)


def person(study: StudyVar) -> rx.Component:
    return rx.fragment(parts.sex(study), " ", parts.age(study))


def study_bar(study: StudyVar, *acts: rx.Component) -> rx.Component:
    """On the PC; `acts` stand at the right."""
    return rx.el.header(
        _back("text-xl", "btn btn-ghost btn-sm btn-square"),
        rx.cond(study.uid != "", _who_and_what(study)),
        rx.el.div(*acts, class_name="ml-auto flex items-center gap-1"),
        class_name="hidden h-12 flex-none items-center gap-3 border-b border-base-300 bg-base-100 pr-3 pl-2 lg:flex",
    )


def _who_and_what(study: StudyVar) -> rx.Component:
    return rx.fragment(
        rx.el.div(
            parts.name(study, "max-w-64 text-lg font-semibold"),
            parts.emergency_tag(study),
            rx.el.span(person(study), class_name="num text-sm"),
            rx.el.span(study.patient_id, class_name="num text-sm text-muted"),
            class_name="flex items-baseline gap-3 whitespace-nowrap",
        ),
        rx.el.span(class_name="h-5 w-px bg-base-300"),
        rx.el.div(
            rx.el.span(study.modality, " ", study.description, class_name="truncate"),
            rx.el.span(study.time, class_name="num whitespace-nowrap text-muted"),
            parts.whose(study),
            class_name="flex min-w-0 items-baseline gap-3 text-sm",
        ),
    )


def phone_study_bar(study: StudyVar, *acts: rx.Component) -> rx.Component:
    return rx.el.header(
        _back("text-2xl", "tap grid place-items-center"),
        rx.el.div(rx.cond(study.uid != "", _who_and_what_below(study)), class_name="min-w-0 flex-1"),
        *acts,
        class_name="flex h-14 flex-none items-center gap-1 border-b border-base-300 bg-base-200 pt-safe pr-1 lg:hidden",
    )


def _who_and_what_below(study: StudyVar) -> rx.Component:
    return rx.fragment(
        rx.el.p(
            parts.name(study, "text-lg"),
            parts.emergency_tag(study),
            rx.el.span(person(study), class_name="num text-sm whitespace-nowrap text-muted"),
            class_name="flex items-center gap-1.5",
        ),
        rx.el.p(
            rx.el.span(
                study.patient_id, " · ", study.modality, " ", study.description, class_name="truncate"
            ),
            rx.el.span(study.time, class_name="flex-none whitespace-nowrap"),
            parts.whose(study),
            class_name="num flex gap-2 text-xs text-muted",
        ),
    )


def _back(size: str, class_name: str) -> rx.Component:
    return rx.el.a(
        rx.icon("chevron-left", class_name=f"ico {size}"),
        href="/studies",
        class_name=class_name,
        aria_label=t("studies.back"),
    )
