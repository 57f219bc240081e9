"""The panel of versions: who wrote what when, and what changed, word by word."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.reports.components import PAGE, icon
from mip_app.reports.editor import desk, put

COMPARED = PAGE.compared


def versions_panel() -> rx.Component:
    return rx.fragment(
        rx.cond(
            PAGE.versions.length() > 0,
            rx.el.ol(
                rx.foreach(PAGE.versions, _version),
                class_name="max-h-[45%] flex-none overflow-y-auto px-5 pt-4 scroll-quiet",
            ),
            rx.el.p(t("report.no_versions"), class_name="px-5 py-6 text-sm text-muted"),
        ),
        rx.cond(COMPARED.new > 0, _comparison()),
    )


def _version(version: Any) -> rx.Component:
    chosen = (COMPARED.new > 0) & (COMPARED.old == version["number"])
    return rx.el.li(
        rx.el.span(
            class_name=rx.cond(
                version["current"],
                "absolute top-1.5 -left-[4.5px] size-2 rounded-full bg-primary",
                "absolute top-1.5 -left-[4.5px] size-2 rounded-full bg-edge",
            )
        ),
        rx.el.button(
            rx.el.span(
                rx.el.span(
                    t("report.version", n=version["number"]),
                    class_name=rx.cond(version["current"], "num font-medium", "num"),
                ),
                rx.el.span(version["by"], class_name="truncate text-muted"),
                rx.el.span(version["at"], class_name="num ml-auto text-xs whitespace-nowrap text-muted"),
                class_name="flex items-baseline gap-2 text-sm",
            ),
            rx.el.span(
                t("report.kind_" + version["kind"].to(str)),
                rx.cond(version["note"] != "", rx.fragment(t("report.colon"), version["note"])),
                class_name="block text-xs break-words text-muted",
            ),
            on_click=PAGE.compare(version["number"]),
            aria_pressed=chosen,
            title=t("report.compare"),
            class_name="-mx-2 -mt-1 block w-[calc(100%+1rem)] cursor-pointer rounded-field px-2 pt-1 pb-1.5 text-left hover:bg-base-200 aria-pressed:bg-wash",
        ),
        class_name="relative border-l border-base-300 pb-2.5 pl-4 last:pb-0",
        custom_attrs={"data-version": version["number"]},
    )


def _comparison() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.p(
                t("report.from_to", old=COMPARED.old, new=COMPARED.new),
                rx.el.span(
                    rx.el.span("+", COMPARED.added, class_name="text-success"),
                    " ",
                    rx.el.span("−", COMPARED.removed, class_name="text-error"),
                    class_name="num ml-auto",
                ),
                class_name="num flex text-xs text-muted",
            ),
            _changes("findings", COMPARED.findings),
            _changes("impression", COMPARED.impression),
            class_name="mt-4 min-h-0 flex-1 overflow-y-auto border-t border-base-300 px-4 py-3 scroll-quiet",
            id="difference",
        ),
        rx.cond(
            desk("editable", bool) & (COMPARED.old > 0),
            rx.el.div(
                rx.el.button(
                    icon("history"),
                    t("report.bring_back", n=COMPARED.old),
                    on_click=put(COMPARED.old_findings, COMPARED.old_impression),
                    class_name="btn btn-ghost btn-sm font-normal",
                ),
                class_name="flex-none border-t border-base-300 p-3",
            ),
        ),
    )


def _changes(name: str, pieces: Any) -> rx.Component:
    changed = (pieces.length() > 1) | ((pieces.length() == 1) & (pieces[0]["kind"] != "same"))
    return rx.cond(
        changed,
        rx.fragment(
            rx.el.h3(t(f"report.{name}"), class_name="mt-3 text-sm font-medium"),
            rx.el.p(
                rx.foreach(pieces, _piece),
                class_name="mt-1 text-base leading-7 break-words whitespace-pre-wrap",
            ),
        ),
        rx.el.p(t(f"report.unchanged_{name}"), class_name="mt-3 text-sm text-muted"),
    )


def _piece(piece: Any) -> rx.Component:
    return rx.match(
        piece["kind"],
        ("ins", rx.el.ins(piece["text"], class_name="ins")),
        ("del", rx.el.del_(piece["text"], class_name="del")),
        rx.el.span(piece["text"]),
    )
