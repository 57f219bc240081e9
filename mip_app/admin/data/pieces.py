"""Parts of data maintenance's lists and dialogs."""

from typing import Any

import reflex as rx

from mip_app.admin.data import state
from mip_app.admin.forms import acts, field, form, modal, refused
from mip_app.core.i18n import t

Data: Any = state.DataPage
LINE = "flex flex-col gap-3 border-b border-base-300/70 px-4 py-3 lg:px-6"


def act(label: str, mode: str, key: Any, *, danger: bool = False) -> rx.Component:
    """Opens the dialog `mode`."""
    return rx.el.button(
        t(label),
        type="button",
        on_click=Data.open(mode, key),
        custom_attrs={"data-act": mode},
        class_name="btn btn-sm font-normal "
        + ("btn-ghost text-error" if danger else "border border-base-300"),
    )


def head(title: str, more: str = "") -> rx.Component:
    return rx.el.div(
        rx.el.h2(t(title), class_name="text-lg font-semibold"),
        rx.el.p(t(more), class_name="text-sm text-muted") if more else rx.fragment(),
        class_name="px-4 pt-5 pb-2 lg:px-6",
    )


def person(who: Any, differs: Any = None, label: str = "") -> rx.Component:
    """One patient as a card; what differs from the other one is marked."""

    def said(name: str, value: Any) -> rx.Component:
        odd = differs.contains(name) if differs is not None else False
        return rx.el.span(
            rx.cond(value != "", value, "—"),
            custom_attrs={"data-field": name},
            class_name=rx.cond(odd, "-mx-1 rounded-selector bg-wash-warn px-1 font-medium", ""),
        )

    return rx.el.div(
        rx.el.span(t(label), class_name="text-sm text-muted") if label else rx.fragment(),
        rx.el.span(said("name", who.name), class_name="text-base font-medium break-words"),
        rx.cond(
            who.person_name != who.name,
            rx.el.span(who.person_name, class_name="text-sm break-words text-muted"),
        ),
        rx.el.span(
            said("sex", t("sex." + who.sex)),
            said("birth_date", who.birth_date),
            class_name="num flex flex-wrap gap-x-3 text-sm",
        ),
        rx.el.span(
            said("patient_id", who.patient_id),
            rx.cond(who.issuer != "", rx.el.span(who.issuer, class_name="text-muted")),
            rx.cond(who.studies > 0, rx.el.span(t("data.studies", n=who.studies), class_name="text-muted")),
            class_name="num flex flex-wrap gap-x-3 text-sm break-all",
        ),
        class_name="flex min-w-0 flex-1 flex-col gap-0.5 rounded-field border border-base-300 px-3 py-2",
    )


def sender(name: Any) -> rx.Var[str]:
    """Who sent a file: a person, a device, or whoever was at the console."""
    return rx.cond(name.to(str) == "console", t("data.console"), name.to(str))


def study_line(study: Any) -> rx.Component:
    return rx.el.span(
        rx.el.span(rx.cond(study.modality != "", study.modality, "—"), class_name="font-medium"),
        rx.el.span(study.date, class_name="empty:hidden"),
        rx.el.span(study.accession, class_name="break-all empty:hidden"),
        rx.el.span(study.description, class_name="break-words empty:hidden"),
        rx.el.span(t("data.images", n=study.instances), class_name="text-muted"),
        rx.cond(study.corrected, rx.el.span(t("data.corrected"), class_name="text-muted")),
        class_name="num flex flex-wrap gap-x-3 text-sm",
    )


def whose(study: Any) -> rx.Component:
    """A study under its patient; nothing where it is not there any more."""
    return rx.cond(
        study.uid != "",
        rx.el.div(
            rx.el.span(study.who.name, class_name="font-medium"),
            rx.el.span(study.who.patient_id, class_name="num text-sm text-muted"),
            study_line(study),
            class_name="flex flex-wrap items-baseline gap-x-3",
        ),
    )


def dialog(
    mode: str,
    title: str,
    *body: rx.Component,
    verb: str,
    more: str = "",
    reason: bool = True,
    danger: bool = False,
    wide: bool = False,
) -> rx.Component:
    """One of the page's acts: what happens, what is asked for, and why."""
    return modal(
        f"data-{mode}",
        Data.mode == mode,
        Data.close,
        t(title),
        form(
            Data.submit,
            rx.el.div(
                rx.el.p(t(more), class_name="text-muted") if more else rx.fragment(),
                *body,
                *([why()] if reason else []),
                refused(Data),
                class_name="flex flex-col gap-3 px-6 pt-3",
            ),
            acts(
                Data.close,
                rx.el.button(
                    t(verb),
                    type="submit",
                    id=f"do-{mode}",
                    class_name="btn btn-error" if danger else "btn btn-primary",
                ),
            ),
        ),
        wide=wide,
        newly=Data.newly,
    )


def why() -> rx.Component:
    return field(Data, "why", "data.why", element_id="data-why", required=True, max_length=200)
