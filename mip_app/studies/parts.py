"""Small pieces of the table and of the cards alike."""

from typing import Any, Protocol

import reflex as rx
from reflex_base.vars import VarData
from reflex_components_core.react_router.dom import ReactRouterLink

from mip_app.core.i18n import t
from mip_app.studies import state
from mip_app.studies.worklist import Row
from mip_app.ui.state import in_language, may

# In components the attributes of a state are variables, which its types do not say.
Studies: Any = state.Studies
RowVar = Any  # the variable of a Row


class Act(Protocol):
    """A button for one study, as a row of the table or a card of the phone has room for it."""

    def __call__(self, row: RowVar, class_name: str, **props: object) -> rx.Component: ...


# Acts that features above this one bring; `add_pages` puts them here.
more_acts: list[Act] = []


def rows() -> rx.Var[list[Row]]:
    """The rows on the page as they are now; only those that changed have travelled again."""
    shown, changed = Studies.rows, Studies.updates
    return rx.Var(
        _js_expr=f"{shown!s}.map((row) => {changed!s}[row.uid] ?? row)",
        _var_type=list[Row],
        _var_data=VarData.merge(shown._get_all_var_data(), changed._get_all_var_data()),
    )


def missing() -> rx.Component:
    return rx.el.span("—", class_name="text-muted")


def or_missing(value: Any, shown: Any | None = None) -> rx.Component:
    return rx.cond(value != "", value if shown is None else shown, missing())


def status_badge(status: Any) -> rx.Component:
    """A shape and a word for the state of a report."""
    return rx.el.span(
        t("report_status." + status),
        class_name=rx.match(
            status,
            ("draft", "st st-draft"),
            ("returned", "st st-back"),
            ("preliminary", "st st-prelim"),
            ("final", "st st-final"),
            ("amended", "st st-amended"),
            "st st-none",
        ),
    )


def report_badge(row: RowVar) -> rx.Component:
    """Of a granted study nothing is told before a report is released: that is not to say that none is written."""
    return rx.cond((row.whose != "") & (row.status == "none"), missing(), status_badge(row.status))


def name(row: RowVar, class_name: str) -> rx.Component:
    return rx.cond(
        row.name != "",
        rx.el.span(row.name, title=row.name, class_name="truncate font-medium " + class_name),
        rx.el.span(t("studies.unknown_name"), class_name="truncate text-muted " + class_name),
    )


def whose(row: RowVar) -> rx.Component:
    """The institution of a granted study: nothing on own ones, which are most."""
    name = in_language(row.whose, row.whose_en)
    return rx.cond(
        row.whose != "",
        rx.el.span(
            rx.icon("building-2", class_name="ico flex-none"),
            rx.el.span(name, class_name="truncate"),
            title=t("studies.granted_by", institution=name),
            custom_attrs={"data-whose": "true"},
            class_name="inline-flex min-w-0 items-center gap-1 align-bottom text-muted",
        ),
    )


def emergency_tag(row: RowVar) -> rx.Component:
    return rx.cond(
        row.emergency,
        rx.el.span(
            t("studies.emergency"),
            title=t("studies.emergency_long"),
            class_name=(
                "inline-flex h-4.5 flex-none items-center rounded-sm border border-error px-1 text-xs "
                "leading-none font-medium text-error"
            ),
        ),
    )


def sex(row: RowVar) -> Any:
    return t("sex." + row.sex)


def age(row: RowVar) -> Any:
    return t("age." + row.age_unit, n=row.age)


def body_part(row: RowVar) -> Any:
    """DICOM's terms (PS3.16 annex L) in words; what is not one of them as it was recorded."""
    return t("body_part." + row.body_part.upper(), fallback=row.body_part)


def writer(row: RowVar, minutes: bool = True) -> rx.Component:
    """Who is writing now, else who wrote last."""

    def chip(icon: str, who: Any, color: str) -> rx.Component:
        return rx.el.span(
            rx.icon(icon, class_name="ico"),
            rx.el.span(who, class_name="truncate font-medium"),
            rx.el.span(
                t("studies.minutes", n=Studies.minutes[row.uid]), class_name="num flex-none text-muted"
            )
            if minutes
            else None,
            class_name="flex items-center gap-1 " + color,
        )

    author = rx.el.span(row.author, title=row.author, class_name="block truncate text-muted")
    return rx.cond(
        row.holder != "",
        rx.cond(
            row.mine,
            chip("pen-line", t("studies.me"), "text-primary"),
            chip("lock", row.holder, "text-warning"),
        ),
        or_missing(row.author, author) if minutes else author,
    )


def images_link(row: RowVar, *children: Any, **props: object) -> rx.Component:
    return ReactRouterLink.create(
        *children, to="/viewer/" + row.uid, custom_attrs={"data-act": "images"}, **props
    )


def report_link(row: RowVar, **props: object) -> rx.Component:
    """To the report, for those who may read it; says 审核 where that is what it waits for."""
    read = (row.status == "final") | (row.status == "amended")
    return rx.cond(
        may("report.read_draft") | (may("report.read") & read),
        ReactRouterLink.create(
            rx.cond(
                may("report.review") & (row.status == "preliminary"),
                t("studies.review"),
                t("studies.report"),
            ),
            to="/reports/" + row.uid,
            aria_label=t("studies.report_of", name=row.name),
            custom_attrs={"data-act": "report"},
            **props,
        ),
    )
