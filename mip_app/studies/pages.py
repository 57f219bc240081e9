"""`/studies`: what doctors open every morning."""

from typing import Protocol

import reflex as rx
from reflex_base.components.component import NoSSRComponent
from reflex_base.vars import Var

from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.studies import bars, cards, parts, sheet, table
from mip_app.studies.layout_state import Layout
from mip_app.studies.parts import RowVar, Studies
from mip_app.ui.native import post_form
from mip_app.ui.shell import add_page, phone_bar, top_bar
from mip_app.ui.state import Shell, may


class Upload(Protocol):
    """What the list shows of a higher feature: the way images come in."""

    def upload_button(self) -> rx.Component:
        """Opens the drawer; stands in the bar of the PC and in that of the phone."""
        ...

    def upload_drawer(self) -> rx.Component:
        """The drawer, and the whole page as a place to drop files on. Once a page."""
        ...


class ListKeys(NoSSRComponent):
    """Moving in the list is the browser's own affair: no event is sent for it."""

    library = rx.asset("list_keys.jsx", shared=True).importable_path
    tag = "ListKeys"

    top: Var[bool]
    arrived: Var[int]


class Sending(Protocol):
    """What the list shows of a higher feature: the way images go out."""

    def send_act(self, row: RowVar, class_name: str, **props: object) -> rx.Component:
        """Opens the dialog for one study."""
        ...

    def send_dialog(self) -> rx.Component:
        """Once a page."""
        ...


def add_pages(app: rx.App, upload: Upload | None = None, sending: Sending | None = None) -> None:
    if sending:
        parts.more_acts[:] = [sending.send_act]

    def studies() -> rx.Component:
        return rx.fragment(_page(upload), sending.send_dialog() if sending else rx.fragment())

    add_page(
        app,
        studies,
        "/studies",
        "studies.title",
        on_load=[Layout.load, Studies.load],
        needs=Permission.STUDY_READ,
    )


def _page(upload: Upload | None) -> rx.Component:
    return rx.fragment(
        rx.cond(
            (Shell.name != "") & ~may("study.read"),
            rx.fragment(
                top_bar("nav.studies"),
                phone_bar("nav.studies"),
                _may_not(),
            ),
            rx.fragment(
                top_bar("nav.studies", _desktop_search()),
                phone_bar("nav.studies", upload.upload_button() if upload else rx.fragment()),
                ListKeys.create(top=Studies.number == 1, arrived=Studies.arrived),
                _desktop(upload),
                _phone(upload),
                sheet.filter_sheet(),
                bars.key_help(),
                upload.upload_drawer() if upload else rx.fragment(),
            ),
        ),
    )


def _desktop_search() -> rx.Component:
    return bars.search_field("studies.search", "input input-sm w-72", rx.el.kbd("/", class_name="kbd kbd-xs"))


def _desktop(upload: Upload | None) -> rx.Component:
    return rx.el.main(
        rx.el.h1(t("studies.heading"), class_name="sr-only"),
        rx.el.div(
            bars.work_views("flex gap-5"),
            rx.el.span(
                upload.upload_button() if upload else None,
                bars.take_next(),
                class_name="ml-auto flex items-center gap-2 py-1.5",
            ),
            class_name="flex min-h-11 items-center gap-5 bg-base-100 px-4",
        ),
        bars.filter_bar(),
        bars.new_line(),
        rx.el.div(
            rx.match(
                Studies.phase,
                ("loading", rx.fragment(table.table(table.skeleton_rows()), _still_loading())),
                ("failed", rx.fragment(table.table(), _failed())),
                rx.cond(
                    Studies.rows.length() > 0,
                    table.table(table.study_rows()),
                    rx.fragment(table.table(), _empty(upload)),
                ),
            ),
            id="study-scroll",
            class_name="min-h-0 flex-1 overflow-auto scroll-quiet bg-base-100",
        ),
        bars.footer(),
        class_name="flex h-[calc(100dvh-48px)] flex-col max-lg:hidden",
    )


def _phone(upload: Upload | None) -> rx.Component:
    return rx.el.main(
        rx.el.div(
            rx.el.div(
                bars.search_field("studies.search_short", "input flex-1"),
                sheet.open_sheet(),
                class_name="flex gap-2 px-4",
            ),
            bars.work_views("flex gap-5 overflow-x-auto px-4 scroll-quiet"),
            class_name="sticky top-14 z-10 border-b border-base-300 bg-base-100 pt-2",
        ),
        bars.new_line(),
        rx.match(
            Studies.phase,
            ("loading", rx.fragment(cards.skeleton_cards(), _still_loading())),
            ("failed", _failed()),
            rx.cond(Studies.rows.length() > 0, cards.study_cards(), _empty(upload)),
        ),
        rx.cond(
            (Studies.number > 1) | Studies.more,
            rx.el.div(
                bars.shown_range(),
                bars.paging("btn btn-square join-item", "phone-page"),
                class_name="flex items-center justify-between px-4 py-3 text-base text-muted pb-safe",
            ),
        ),
        class_name="pb-6 lg:hidden",
    )


def _block(icon: str, line: str, why: rx.Component | None, *acts: rx.Component | None) -> rx.Component:
    return rx.el.div(
        rx.icon(icon, class_name="size-6 stroke-[1.75] text-muted"),
        rx.el.p(t(line), class_name="text-lg"),
        why,
        *(act for act in acts if act is not None),
        class_name="flex flex-col items-start gap-2 bg-base-100 px-6 py-10",
    )


def _button(label: str, on_click: object, icon: str = "") -> rx.Component:
    return rx.el.button(
        rx.icon(icon, class_name="ico") if icon else None,
        t(label),
        type="button",
        on_click=on_click,
        class_name="btn btn-sm mt-2",
    )


def _empty(upload: Upload | None) -> rx.Component:
    new = _block(
        "inbox",
        "studies.empty_new",
        rx.el.p(t("studies.empty_new_why"), class_name="text-muted"),
        upload.upload_button() if upload else None,
    )
    written = _block("circle-check", "studies.all_written", None, _button("studies.show_all", Studies.clear))
    filtered = _block(
        "search-x", "studies.empty_filtered", _said(), _button("studies.clear_filters", Studies.clear)
    )
    all_written = (
        (Studies.chosen["view"][0] == "unwritten") & (Studies.narrowing == 1) & (Studies.keyword == "")
    )
    return rx.cond(
        (Studies.narrowing == 0) & (Studies.keyword == ""), new, rx.cond(all_written, written, filtered)
    )


def _said() -> rx.Component:
    """The filters in words: 近3天 · MR · 退回."""

    def values(group: str, prefix: str) -> rx.Component:
        return rx.foreach(
            Studies.chosen[group],
            lambda value: rx.el.span(
                t(prefix + value), rx.el.span(" · "), class_name="whitespace-pre [&:last-child>span]:hidden"
            ),
        )

    return rx.el.p(
        rx.cond(Studies.chosen["days"].contains("all"), None, values("days", "days.")),
        values("status", "report_status."),
        values("modality", "modality."),
        values("class", "patient_class."),
        values("contrast", "contrast."),
        rx.cond(Studies.keyword != "", rx.el.span(Studies.keyword)),
        class_name="text-muted",
    )


def _failed() -> rx.Component:
    return _block(
        "circle-alert",
        "studies.failed",
        rx.el.p(t("studies.failed_number", number=Studies.trouble), class_name="num text-muted"),
        _button("studies.retry", Studies.show_top, "refresh-cw"),
    )


def _still_loading() -> rx.Component:
    """Said after 5 seconds, with a way on after 15: by the stylesheet, since the server is what is late."""
    return rx.el.div(
        rx.el.p(
            t("studies.still_loading"),
            class_name="visible text-muted transition-[visibility] delay-[5000ms] duration-0 starting:invisible",
        ),
        rx.el.a(
            t("studies.retry"),
            href="/studies",
            class_name="btn btn-sm visible transition-[visibility] delay-[15000ms] duration-0 starting:invisible",
        ),
        class_name="flex flex-col items-start gap-2 px-6 py-4",
    )


def _may_not() -> rx.Component:
    return rx.el.main(
        _block(
            "lock",
            "studies.may_not",
            rx.el.p(t("studies.may_not_why"), class_name="text-muted"),
            post_form(
                "/auth/logout",
                rx.el.button(t("ui.sign_out"), type="submit", class_name="btn btn-sm mt-2"),
            ),
        ),
        class_name="min-h-[calc(100dvh-48px)] bg-base-100",
    )
