"""`/admin/data`: patients in conflict, files set aside, deletion."""

from typing import Any

import reflex as rx

from mip_app.admin.data import dialogs, state
from mip_app.admin.data.pieces import LINE, act, head, person, sender, study_line, whose
from mip_app.admin.forms import nothing, refused
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.core.actor import Permission
from mip_app.core.i18n import t

Data: Any = state.DataPage


def add_pages(app: rx.App) -> None:
    add_admin_page(app, data_page, "/admin/data", "admin.data", [Data.load], needs=Permission.ADMIN_DATA)


def data_page() -> rx.Component:
    return rx.fragment(
        page_head("admin.data"),
        _tabs(),
        rx.el.div(
            rx.cond(Data.mode == "", refused(Data)),
            class_name="px-4 pt-3 empty:hidden lg:px-6",
        ),
        rx.match(
            Data.phase,
            ("loading", loading()),
            ("failed", _failed()),
            rx.match(Data.tab, ("aside", _asides()), ("erasures", _erasures()), _conflicts()),
        ),
        dialogs.all_of_them(),
    )


def _tabs() -> rx.Component:
    def tab(name: str) -> rx.Component:
        current = Data.tab == name
        waiting = Data.counts[name].to(int)
        look = "flex h-10 flex-none items-center justify-center gap-1.5 border-b-2 text-base whitespace-nowrap pointer-coarse:h-11 pointer-coarse:min-w-11 "
        return rx.el.button(
            t(f"data.tab_{name}"),
            rx.cond(waiting > 0, rx.el.span(waiting, class_name="badge badge-xs badge-primary num")),
            type="button",
            on_click=Data.choose(name),
            aria_current=rx.cond(current, "true", "false"),
            custom_attrs={"data-tab": name},
            class_name=rx.cond(
                current,
                look + "border-primary font-medium",
                look + "border-transparent text-muted hover:text-base-content",
            ),
        )

    return rx.el.nav(
        *(tab(name) for name in state.TABS),
        aria_label=t("admin.data"),
        class_name="flex items-center gap-5 overflow-x-auto border-b border-base-300 px-4 lg:px-6",
    )


def _failed() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("doctor.failed", number=Data.failure), class_name="text-lg"),
        rx.el.button(t("doctor.retry"), type="button", on_click=Data.load, class_name="btn btn-sm mt-2"),
        class_name="px-6 py-10",
    )


def _search(*actions: tuple[str, str]) -> rx.Component:
    """Find studies; `actions`: the words and the dialog of each act."""

    def row(study: Any) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                person(study.who),
                rx.el.div(
                    study_line(study),
                    rx.el.div(
                        *(act(label, mode, study.uid, danger=mode == "ask") for label, mode in actions),
                        class_name="flex flex-wrap gap-2",
                    ),
                    class_name="flex min-w-0 flex-[2] flex-col justify-between gap-2",
                ),
                class_name="flex gap-4 max-lg:flex-col",
            ),
            key=study.uid,
            class_name=LINE,
        )

    return rx.fragment(
        rx.el.form(
            rx.el.label(
                rx.icon("search", class_name="ico text-muted"),
                rx.el.input(
                    name="words",
                    id="data-search",
                    default_value=Data.searched,
                    placeholder=t("data.search_hint"),
                    aria_label=t("data.search_hint"),
                    auto_complete="off",
                    max_length=64,
                    class_name="min-w-0 flex-1",
                ),
                class_name="input input-sm w-full lg:w-96 pointer-coarse:h-11",
            ),
            rx.el.button(t("data.search"), type="submit", id="data-search-do", class_name="btn btn-sm"),
            on_submit=Data.search,
            method="post",
            class_name="flex gap-2 px-4 py-2 lg:px-6",
        ),
        rx.cond(
            Data.found.length() > 0,
            rx.el.ul(rx.foreach(Data.found, row), id="data-found"),
            rx.cond(
                Data.searched != "",
                rx.el.p(
                    t("data.found_none"), id="data-found-none", class_name="px-4 py-2 text-muted lg:px-6"
                ),
            ),
        ),
    )


def _conflict(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(t("data.kind_" + row.kind), class_name="font-medium"),
            rx.el.span(row.arrived, class_name="num text-sm text-muted"),
            rx.cond(row.kind == "study", study_line(row.study)),
            class_name="flex flex-wrap items-baseline gap-x-3",
        ),
        rx.el.div(
            person(row.first, row.differs, "data.was_first"),
            person(row.other, row.differs, "data.came_later"),
            class_name="flex gap-3 max-lg:flex-col",
        ),
        rx.el.div(
            act("data.merge", "merge", row.key),
            rx.cond(row.kind == "patient", act("data.apart", "apart", row.key)),
            class_name="flex flex-wrap gap-2",
        ),
        key=row.key,
        class_name=LINE,
    )


def _change(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(t("data.change_" + row.kind), class_name="font-medium"),
            rx.el.span(row.at, class_name="num text-sm text-muted"),
            rx.el.span(row.by, class_name="text-sm text-muted"),
            class_name="flex flex-wrap items-baseline gap-x-3",
        ),
        rx.el.p(
            rx.el.span(_said(row.old), class_name="text-muted"),
            " → ",
            _said(row.new),
            class_name="num text-sm break-words",
        ),
        rx.el.p(row.why, class_name="text-sm break-words"),
        rx.cond(
            row.undone != "",
            rx.el.p(t("data.undone_by", name=row.undone), class_name="text-sm text-muted"),
            rx.el.div(act("data.undo", "undo", row.key)),
        ),
        key=row.key,
        class_name=LINE + " gap-1",
    )


def _said(one: Any) -> rx.Component:
    return rx.fragment(
        rx.cond(one.text != "", one.text, "—"),
        rx.cond(one.sex != "", rx.fragment(" · ", t("sex." + one.sex.to(str)))),
        rx.cond(one.more != "", rx.fragment(" · ", one.more)),
    )


def _conflicts() -> rx.Component:
    return rx.fragment(
        rx.cond(
            Data.conflicts.length() > 0,
            rx.el.ul(rx.foreach(Data.conflicts, _conflict), id="data-conflicts"),
            nothing("users-round", "data.no_conflict", "data.no_conflict_more"),
        ),
        head("data.correct_title", "data.correct_title_more"),
        _search(("data.correct", "correct"), ("data.accession_correct", "accession"), ("data.move", "move")),
        rx.cond(
            Data.changes.length() > 0,
            rx.fragment(head("data.changes"), rx.el.ul(rx.foreach(Data.changes, _change), id="data-changes")),
        ),
    )


def _aside(row: Any) -> rx.Component:
    return rx.el.li(
        whose(row.study),
        rx.el.p(row.uid, class_name="font-mono text-xs break-all text-muted"),
        rx.el.p(
            t("data.aside_came", time=row.received, who=sender(row.sender), size=row.size), class_name="num text-sm"
        ),
        rx.cond(
            row.decision == "",
            rx.el.div(act("data.compare", "compare", row.key), class_name="flex gap-2"),
            rx.el.div(
                rx.el.span(
                    t("data.decided_" + row.decision), " · ", row.decided_by, " · ", row.decided,
                    class_name="num text-sm text-muted",
                ),
                rx.cond(row.decision == "replaced", act("data.put_back", "replace", row.key)),
                class_name="flex flex-wrap items-center gap-3",
            ),
        ),
        key=row.key,
        class_name=LINE + " gap-1",
    )  # fmt: skip


def _asides() -> rx.Component:
    return rx.cond(
        Data.asides.length() > 0,
        rx.el.ul(rx.foreach(Data.asides, _aside), id="data-asides"),
        nothing("copy-check", "data.no_aside", "data.no_aside_more"),
    )


def _erasure(row: Any) -> rx.Component:
    return rx.el.li(
        whose(row.study),
        rx.el.p(row.uid, class_name="font-mono text-xs break-all text-muted"),
        rx.el.p(
            t("data.erasure_size", series=row.series, images=row.instances, size=row.size),
            class_name="num text-sm",
        ),
        rx.el.p(
            t("data.asked", who=row.asked_by, time=row.asked_at, why=row.reason), class_name="text-sm break-words"
        ),
        rx.cond(
            row.state == "asked",
            rx.el.div(
                rx.cond(
                    row.confirmable,
                    act("data.confirm", "confirm", row.key, danger=True),
                    rx.el.span(t("data.waits", time=row.from_when), class_name="num text-sm text-muted"),
                ),
                act("data.cancel", "cancel", row.key),
                class_name="flex flex-wrap items-center gap-3",
            ),
            rx.el.p(
                t("data.state_" + row.state), " · ", row.decided_by, " · ", row.decided_at,
                class_name="num text-sm text-muted",
            ),
        ),
        key=row.key,
        class_name=LINE + " gap-1",
    )  # fmt: skip


def _erasures() -> rx.Component:
    return rx.fragment(
        rx.cond(
            Data.erasures.length() > 0,
            rx.el.ul(rx.foreach(Data.erasures, _erasure), id="data-erasures"),
            nothing("trash-2", "data.no_erasure", "data.no_erasure_more"),
        ),
        head("data.ask_title", "data.ask_title_more"),
        _search(
            ("data.ask", "ask"),
        ),
    )
