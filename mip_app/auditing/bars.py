"""What stands above and below the entries: parts of the log, filters, the proof of the chain, paging."""

import reflex as rx

from mip_app.audit.models import Kind
from mip_app.auditing.asking import LONGEST, Days
from mip_app.auditing.state import AuditTrail
from mip_app.core.i18n import t

FILTERS = "audit-filters"


def tabs() -> rx.Component:
    def tab(name: str) -> rx.Component:
        current = AuditTrail.asked["kind"] == name
        return rx.el.button(
            t(f"audit.kind.{name or 'all'}"),
            type="button",
            on_click=AuditTrail.choose("kind", name),
            aria_current=rx.cond(current, "true", "false"),
            custom_attrs={"data-kind": name or "all"},
            class_name=rx.cond(
                current,
                "flex h-10 flex-none items-center justify-center border-b-2 border-primary text-base font-medium whitespace-nowrap pointer-coarse:h-11 pointer-coarse:min-w-11",
                "flex h-10 flex-none items-center justify-center border-b-2 border-transparent text-base whitespace-nowrap text-muted hover:text-base-content pointer-coarse:h-11 pointer-coarse:min-w-11",
            ),
        )

    return rx.el.nav(
        *(tab(name) for name in ("", *(kind.value for kind in Kind))),
        aria_label=t("audit.kinds"),
        class_name="flex items-center gap-5 overflow-x-auto border-b border-base-300 px-4 lg:px-6",
    )


def open_filters() -> rx.Component:
    """On the phone the filters are a sheet; what is chosen there counts at once."""
    return rx.el.div(
        rx.el.button(
            rx.icon("sliders-horizontal", class_name="ico"),
            t("studies.filters"),
            rx.cond(
                AuditTrail.narrowing > 0,
                rx.el.span(AuditTrail.narrowing, class_name="badge badge-xs badge-primary num"),
            ),
            type="button",
            id="audit-filters-open",
            custom_attrs={"command": "show-popover", "commandfor": FILTERS},
            class_name="btn border border-base-300 font-normal",
        ),
        class_name="flex px-4 py-2.5 lg:hidden",
    )


def filters() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.h2(t("studies.filters"), class_name="text-xl font-semibold"),
            rx.el.button(
                t("audit.filters_done"),
                type="button",
                id="audit-filters-close",
                custom_attrs={"command": "hide-popover", "commandfor": FILTERS},
                class_name="btn btn-primary ml-auto",
            ),
            class_name="flex w-full items-center lg:hidden",
        ),
        _days(),
        _range(),
        _field("person", "user-round", "audit.person"),
        _field("study", "scan-line", "audit.study"),
        _acts(),
        rx.el.label(
            rx.el.input(
                type="checkbox",
                checked=AuditTrail.asked["failures"] == "1",
                on_change=lambda on: AuditTrail.choose("failures", rx.cond(on, "1", "")),
                id="audit-failures",
                class_name="checkbox checkbox-xs",
            ),
            t("audit.failures"),
            class_name="flex items-center gap-2 text-sm whitespace-nowrap lg:ml-2 pointer-coarse:h-11",
        ),
        rx.el.button(
            t("studies.clear_filters"),
            type="button",
            on_click=AuditTrail.clear,
            id="audit-clear",
            class_name="btn btn-sm btn-ghost font-normal text-muted max-lg:ml-auto",
        ),
        id=FILTERS,
        custom_attrs={"popover": "auto"},
        class_name=(
            "flex-wrap items-center gap-2 bg-base-100 text-base-content "
            "lg:static lg:m-0 lg:flex lg:size-auto lg:overflow-visible lg:border-0 lg:px-6 lg:py-2.5 "
            "max-lg:fixed max-lg:inset-x-0 max-lg:top-auto max-lg:bottom-0 max-lg:m-0 max-lg:max-h-[85dvh] "
            "max-lg:w-full max-lg:max-w-none max-lg:gap-3 max-lg:rounded-t-box max-lg:border-0 max-lg:px-4 "
            "max-lg:pt-3 max-lg:pb-safe max-lg:shadow-sheet max-lg:open:flex backdrop:bg-black/40"
        ),
    )


def _days() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.button(
                t("days." + days),
                type="button",
                on_click=AuditTrail.choose("days", days.value),
                aria_pressed=AuditTrail.asked["days"] == days.value,
                custom_attrs={"data-days": days.value},
            )
            for days in Days
        ),
        role="group",
        aria_label=t("filter.days"),
        class_name="seg flex-none max-lg:w-full max-lg:[&>button]:flex-1 pointer-coarse:[&>button]:h-11",
    )


def _range() -> rx.Component:
    def end(name: str) -> rx.Component:
        return rx.el.input(
            type="date",
            default_value=AuditTrail.asked[name],
            key=name + AuditTrail.cleared.to(str),
            on_change=lambda value: AuditTrail.choose(name, value),
            aria_label=t("days." + name),
            custom_attrs={"data-range": name},
            class_name="input input-sm num w-34 px-2 max-lg:flex-1 pointer-coarse:h-11",
        )

    return rx.cond(
        AuditTrail.asked["days"] == Days.RANGE.value,
        rx.el.span(end("from"), "–", end("to"), class_name="flex items-center gap-1 max-lg:w-full"),
    )


def _field(name: str, icon: str, label: str) -> rx.Component:
    return rx.el.label(
        rx.icon(icon, class_name="ico text-muted"),
        rx.el.input(
            type="search",
            default_value=AuditTrail.asked[name],
            key=name + AuditTrail.cleared.to(str),
            on_change=AuditTrail.choose(name).debounce(300),
            placeholder=t(label),
            aria_label=t(label),
            id=f"audit-{name}",
            auto_complete="off",
            spell_check=False,
            max_length=LONGEST,
        ),
        class_name="input input-sm w-52 max-lg:w-full pointer-coarse:h-11",
    )


def _acts() -> rx.Component:
    return rx.el.select(
        rx.el.option(t("audit.all_acts"), value=""),
        rx.foreach(AuditTrail.acts, lambda act: rx.el.option(t("audit.act." + act, fallback=act), value=act)),
        value=AuditTrail.asked["act"],
        on_change=lambda value: AuditTrail.choose("act", value),
        aria_label=t("audit.column.act"),
        id="audit-act",
        class_name="select select-sm w-40 max-lg:w-full pointer-coarse:h-11",
    )


def footer() -> rx.Component:
    return rx.el.footer(
        _proof(),
        rx.el.span(
            rx.cond(
                AuditTrail.rows.length() > 0,
                rx.el.span(
                    t(
                        "audit.range",
                        first=AuditTrail.number,
                        last=AuditTrail.number + AuditTrail.rows.length() - 1,
                    ),
                    class_name="num",
                    id="audit-range",
                ),
            ),
            _turn("previous", "chevron-left", AuditTrail.previous_page, AuditTrail.number > 1),
            _turn("next", "chevron-right", AuditTrail.next_page, AuditTrail.more),
            class_name="ml-auto flex items-center gap-1 whitespace-nowrap",
        ),
        class_name="flex flex-wrap items-center gap-2 px-4 py-2 text-sm text-muted lg:px-6",
    )


def _turn(name: str, icon: str, go: rx.EventHandler, possible: rx.Var[bool]) -> rx.Component:
    return rx.el.button(
        rx.icon(icon, class_name="ico"),
        type="button",
        on_click=go,
        disabled=~possible,
        aria_label=t(f"audit.{name}_page"),
        id=f"audit-{name}",
        class_name="btn btn-ghost btn-sm btn-square pointer-coarse:size-11",
    )


def _proof() -> rx.Component:
    """What the last verification found, or that one is running."""
    proof = AuditTrail.proof
    return rx.el.p(
        rx.cond(
            AuditTrail.proving == "running",
            rx.fragment(rx.icon("loader-circle", class_name="ico animate-spin"), t("audit.proving")),
            rx.cond(
                AuditTrail.proving == "failed",
                rx.fragment(rx.icon("circle-alert", class_name="ico text-error"), t("audit.not_proven")),
                rx.cond(
                    proof["at"] == "",
                    rx.fragment(rx.icon("shield", class_name="ico"), t("audit.never_proven")),
                    rx.cond(
                        proof["broken"] == "",
                        rx.fragment(
                            rx.icon("shield-check", class_name="ico text-success"),
                            t("audit.whole", at=proof["at"], n=proof["entries"]),
                        ),
                        rx.el.span(
                            rx.icon("shield-alert", class_name="ico"),
                            t("audit.broken", at=proof["at"], entry=proof["entry"]),
                            t("audit.broken." + proof["broken"], fallback=proof["broken"]),
                            class_name="flex items-center gap-2 text-error",
                        ),
                    ),
                ),
            ),
        ),
        id="audit-proof",
        aria_live="polite",
        class_name="num flex items-center gap-2",
    )
