"""The report editor: patient line, the two texts, and the bar of acts."""

from typing import Any

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from mip_app.core.i18n import t
from mip_app.reports.draft import LIMIT
from mip_app.reports.editor import ACTS, Desk, Field, act, desk, show
from mip_app.reports.state import ReportPage
from mip_app.studies.heading import phone_study_bar, study_bar

# A TypedDict in a state is a variable with attributes, which the type checker cannot know.
PAGE: Any = ReportPage
STUDY, REPORT, TEXT, LOCK = PAGE.study, PAGE.report, PAGE.text, PAGE.lock

BADGES = (
    ("none", "st st-none"),
    ("draft", "st st-draft"),
    ("returned", "st st-back"),
    ("preliminary", "st st-prelim"),
    ("final", "st st-final"),
)


def can(word: str) -> rx.Var[bool]:
    return REPORT.can.contains(word)


def icon(name: str, more: str = "") -> rx.Component:
    return rx.icon(name, class_name=f"ico {more}", custom_attrs={"aria-hidden": "true"})


def writing_desk(uid: rx.Var[str]) -> rx.Component:
    """The invisible part that holds the text and speaks to the state."""
    return Desk.create(
        uid=uid,
        me=PAGE.me,
        text=TEXT,
        lock=LOCK,
        can=REPORT.can,
        answer=PAGE.answer,
        offline=has_connection_errors,
        **{f"on_{name}": getattr(ReportPage, name) for name in ACTS},
    )


def still_open() -> rx.Var[bool]:
    """The server was restarted and this tab is being told anew: what is on the screen stays."""
    return desk("ready", bool) & (PAGE.phase == "loading")


# ---- who, what ----


def bar() -> rx.Component:
    return study_bar(
        STUDY,
        rx.cond(
            can("print"),
            rx.el.button(
                icon("printer"),
                t("report.print"),
                id="print",
                on_click=[PAGE.print, rx.call_function(show("printed"))],
                class_name="btn btn-ghost btn-sm font-normal",
            ),
        ),
    )


def phone_bar(viewer: rx.Component | None) -> rx.Component:
    return phone_study_bar(STUDY, viewer or rx.fragment())


def badge() -> rx.Component:
    said = rx.match(
        REPORT.status,
        *((word, rx.el.span(t(f"report.status_{word}"), class_name=shape)) for word, shape in BADGES),
        rx.el.span(t("report.status_amended"), class_name="st st-amended"),
    )
    # Of a granted study: whoever may not write on it is told nothing before it is released.
    untold = (STUDY.whose != "") & (REPORT.status == "none") & ~TEXT.open
    return rx.cond(untold, rx.fragment(), said)


def state_line() -> rx.Component:
    return rx.el.div(
        rx.el.span(badge(), id="status"),
        rx.el.span(
            rx.cond(REPORT.version > 0, t("report.version", n=REPORT.version), ""),
            class_name="num ml-auto text-muted",
            id="version",
        ),
        class_name="flex h-10 flex-none items-center gap-3 border-b border-base-300 px-4 text-sm",
    )


# ---- the two texts ----

_AREA = (
    "block min-h-24 w-full resize-none rounded-field bg-transparent px-2 pb-3 text-[1.0625rem] leading-[1.8] outline-none "
    "field-sizing-content lg:text-lg lg:leading-[1.85] hover:bg-base-200/60 focus:bg-base-200/60 "
    "read-only:bg-transparent read-only:text-base-content/85"
)


def texts() -> rx.Component:
    return rx.el.div(
        _section("findings", "min-h-32"),
        _section("impression", "mt-2 min-h-28 border-t border-base-300/60 pt-1"),
        class_name="min-h-0 flex-1 overflow-y-auto pt-1 scroll-quiet",
    )


def _section(name: str, class_name: str) -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(
                t(f"report.{name}"), class_name="text-base font-medium max-lg:font-normal max-lg:text-muted"
            ),
            rx.el.span(t("report.characters", n=desk(name, int)), class_name="num text-xs text-muted"),
            class_name="flex h-9 items-center gap-2 px-4",
        ),
        rx.el.div(
            Field.create(
                id=name,
                name=name,
                label=t(f"report.{name}"),
                placeholder=t(f"report.write_{name}"),
                limit=LIMIT,
                class_name=_AREA,
            ),
            class_name="mx-2 max-w-[44rem]",
        ),
        class_name=class_name,
    )


def closed() -> rx.Component:
    """For those who read no drafts, until there is something to read."""
    return rx.el.div(
        icon("file-text", "text-2xl text-muted"),
        rx.el.p(t("report.closed"), class_name="text-lg"),
        rx.el.p(t("report.closed_more"), class_name="text-muted"),
        class_name="flex min-h-0 flex-1 flex-col items-start gap-2 px-6 py-10",
        id="closed",
    )


# ---- the acts ----


_BAR = (
    "flex flex-none items-center gap-2 border-t border-base-300 bg-base-100 px-3 pt-2 pb-safe "
    "lg:h-14 lg:px-4 lg:py-0"
)


def sign_bar() -> rx.Component:
    # A PC prints from the bar at the top; a phone has nothing else than this one.
    only_print = can("print") & (REPORT.can.length() == 1)
    return rx.cond(
        REPORT.can.length() > 0,
        rx.el.footer(
            _more(),
            _aside("return", "corner-up-left", "report.give_back", "open-return", "give-back"),
            _aside("sign_amendment", "undo-2", "report.drop_amendment", "open-drop", "drop-amendment"),
            rx.el.span(
                _preview(),
                _save(),
                _print_alone(only_print),
                _primary("sign", "report.sign", "signing"),
                _primary("review", "report.review", "reviewing"),
                _primary("sign_amendment", "report.sign_amendment", "reviewing"),
                _amend(),
                class_name="ml-auto flex gap-2",
            ),
            class_name=rx.cond(only_print, _BAR + " lg:hidden", _BAR),
        ),
    )


def _preview() -> rx.Component:
    return rx.cond(
        can("print"),
        rx.el.button(
            icon("eye"),
            id="preview",
            on_click=[PAGE.preview, rx.call_function(show("printed"))],
            aria_label=t("report.preview"),
            title=t("report.preview"),
            class_name="btn btn-ghost btn-square max-lg:hidden lg:btn-sm",
        ),
    )


def _save() -> rx.Component:
    return rx.cond(
        can("write"),
        rx.el.button(
            t("report.save"),
            id="save",
            on_click=act("save"),
            disabled=~desk("writing", bool) | desk("offline", bool) | desk("tooLong", bool),
            title="Ctrl+S",
            class_name="btn lg:btn-sm",
        ),
    )


def _print_alone(only_print: rx.Var[bool]) -> rx.Component:
    return rx.cond(
        only_print,
        rx.el.button(
            icon("printer"),
            t("report.print"),
            id="print-alone",
            on_click=[PAGE.print, rx.call_function(show("printed"))],
            class_name="btn lg:hidden",
        ),
    )


def _amend() -> rx.Component:
    return rx.cond(
        can("amend"),
        rx.el.button(
            icon("file-pen-line"),
            t("report.amend"),
            id="open-amend",
            on_click=show("amend"),
            disabled=desk("offline", bool),
            class_name="btn lg:btn-sm",
        ),
    )


def _more() -> rx.Component:
    return rx.el.button(
        icon("ellipsis"),
        id="open-more",
        on_click=show("more"),
        aria_label=t("report.more"),
        class_name="btn btn-ghost btn-square lg:hidden",
    )


def _aside(word: str, sign: str, key: str, element_id: str, dialog: str) -> rx.Component:
    return rx.cond(
        can(word),
        rx.el.button(
            icon(sign),
            t(key),
            id=element_id,
            on_click=show(dialog),
            disabled=_blocked(),
            class_name="btn btn-ghost font-normal text-warning lg:btn-sm",
        ),
    )


def _primary(word: str, key: str, dialog: str) -> rx.Component:
    return rx.cond(
        can(word),
        rx.el.button(
            icon("signature"),
            rx.el.span(t(f"{key}_short"), class_name="lg:hidden"),
            rx.el.span(t(key), class_name="max-lg:hidden"),
            id=f"open-{dialog}",
            on_click=show(dialog),
            disabled=_blocked() | desk("tooLong", bool),
            title="Ctrl+Enter",
            custom_attrs={"data-signs": "true"},
            class_name="btn btn-primary lg:btn-sm",
        ),
    )


def _blocked() -> rx.Var[bool]:
    """Nothing is signed without a network, nor while somebody else is writing."""
    return desk("offline", bool) | (~desk("writing", bool) & (LOCK.holder != ""))
