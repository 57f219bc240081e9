"""`/admin/nodes` (DICOM 节点): who sends and fetches images by DIMSE, and what is on its way to them."""

from typing import Any

import reflex as rx

from mip_app.admin.forms import acts, confirm, field, form, modal, nothing, refused
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.admin.nodes import state
from mip_app.admin.nodes.state import RULE
from mip_app.core.i18n import t
from mip_app.dimse.components import how_far
from mip_app.dimse.registering import NAME
from mip_app.ui.copy import copy_button

Nodes: Any = state.Nodes
RIGHTS = ("may_store", "may_query", "may_retrieve")


def add_pages(app: rx.App) -> None:
    add_admin_page(app, nodes_page, "/admin/nodes", "admin.nodes", [Nodes.load], needs=RULE)


def nodes_page() -> rx.Component:
    return rx.fragment(
        page_head("admin.nodes", _add_button()),
        rx.el.div(
            rx.cond(Nodes.mode == "", refused(Nodes)),
            class_name="px-4 pt-3 empty:hidden lg:px-6",
        ),
        rx.match(
            Nodes.phase,
            ("loading", loading()),
            ("failed", _failed()),
            rx.fragment(
                _own(),
                rx.cond(
                    Nodes.rows.length() > 0,
                    rx.el.ul(rx.foreach(Nodes.rows, _row), id="node-rows"),
                    nothing("radio-tower", "node.none", "node.none_more"),
                ),
                rx.cond(Nodes.sendings.length() > 0, _sendings()),
            ),
        ),
        _form_dialog(),
        _remove_dialog(),
    )


def _add_button() -> rx.Component:
    return rx.el.button(
        rx.icon("plus", class_name="ico"),
        t("node.add"),
        type="button",
        id="add-node",
        on_click=Nodes.open("add", ""),
        class_name="btn btn-primary btn-sm pointer-coarse:h-11",
    )


def _failed() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("node.failed", number=Nodes.failure), class_name="text-lg"),
        rx.el.button(t("doctor.retry"), type="button", on_click=Nodes.load, class_name="btn btn-sm mt-2"),
        class_name="px-6 py-10",
    )


def _own() -> rx.Component:
    """What an engineer types into a device to reach us."""

    def fact(label: str, *value: Any) -> rx.Component:
        return rx.el.div(
            rx.el.dt(t(label), class_name="text-sm text-muted"),
            rx.el.dd(*value, class_name="num flex min-h-8 items-center gap-1 text-base font-medium"),
        )

    return rx.el.section(
        rx.el.h2(t("node.own"), class_name="font-semibold"),
        rx.el.dl(
            fact(
                "node.ae_title",
                rx.el.span(Nodes.ae_title, id="own-title"),
                copy_button(Nodes.ae_title, "copy-title"),
            ),
            fact("node.port", rx.el.span(Nodes.port, id="own-port")),
            rx.cond(Nodes.tls_port > 0, fact("node.tls_port", Nodes.tls_port)),
            class_name="mt-2 flex flex-wrap gap-x-10 gap-y-2",
        ),
        rx.el.p(t("node.own_more"), class_name="mt-2 text-sm text-muted"),
        class_name="border-b border-base-300 px-4 py-4 lg:px-6",
    )


def _act(label: str, on_click: Any, name: str, more: str = "", **props: Any) -> rx.Component:
    return rx.el.button(
        t(label),
        type="button",
        on_click=on_click,
        custom_attrs={"data-act": name},
        class_name=f"btn btn-ghost btn-sm font-normal pointer-coarse:h-11 {more}",
        **props,
    )


def _right(name: str, row: Any) -> rx.Component:
    return rx.cond(row[name], rx.el.span(t("node." + name), class_name="badge badge-sm badge-ghost"))


def _row(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.div(
                rx.el.span(
                    rx.cond(row.name != "", row.name, row.ae_title),
                    class_name="text-base font-medium break-all",
                ),
                rx.cond(row.disabled, rx.el.span(t("department.disabled"), class_name="text-sm text-muted")),
                class_name="flex flex-wrap items-baseline gap-x-2",
            ),
            rx.el.div(
                rx.el.span(row.ae_title, class_name="num"),
                rx.el.span(
                    row.address, rx.cond(row.port != "", ":" + row.port, ""), class_name="num break-all"
                ),
                class_name="flex flex-wrap gap-x-4 text-sm text-muted",
            ),
            class_name="min-w-0 flex-1 basis-full lg:basis-64",
        ),
        rx.el.div(
            *(_right(name, row) for name in RIGHTS),
            rx.cond(
                ~(row.may_store | row.may_query | row.may_retrieve),
                rx.el.span(t("node.only_called"), class_name="badge badge-sm badge-ghost"),
            ),
            rx.cond(row.tls, rx.el.span("TLS", class_name="badge badge-sm badge-ghost")),
            class_name="flex flex-wrap gap-1 lg:w-56 empty:hidden",
        ),
        rx.el.span(
            rx.cond(row.seen != "", t("node.seen", at=row.seen), t("node.never_seen")),
            class_name="num text-sm text-muted lg:w-56",
        ),
        rx.el.div(
            rx.cond(row.port != "", _act("node.test", Nodes.test(row.key), "test")),
            _act("node.change", Nodes.open("change", row.key), "change"),
            rx.cond(
                row.disabled,
                _act("department.enable", Nodes.turn(row.key, False), "enable"),
                _act("department.disable", Nodes.turn(row.key, True), "disable"),
            ),
            _act("node.remove", Nodes.open("remove", row.key), "remove", "text-error"),
            class_name="flex flex-wrap gap-1 max-lg:-ml-3 max-lg:basis-full lg:w-72 lg:justify-end",
        ),
        _answer(row),
        key=row.key,
        class_name=(
            "flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-base-300/70 px-4 py-2 lg:px-6"
        ),
    )


def _answer(row: Any) -> rx.Component:
    """What the last test of this node said."""
    code = Nodes.said[row.key]
    return rx.cond(
        Nodes.said.contains(row.key),
        rx.el.p(
            rx.cond(
                code == "",
                rx.fragment(rx.el.span(class_name="loading loading-spinner loading-xs"), t("node.testing")),
                rx.fragment(
                    rx.cond(
                        code == "dimse.echo_good",
                        rx.icon("circle-check", class_name="ico flex-none text-success"),
                        rx.icon("circle-alert", class_name="ico flex-none text-error"),
                    ),
                    t(code, n=Nodes.took[row.key]),
                ),
            ),
            role="status",
            custom_attrs={"data-answer": row.key},
            class_name="flex basis-full items-center gap-2 text-sm",
        ),
    )


def _sendings() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("node.sendings"), class_name="px-4 pt-6 pb-2 font-semibold lg:px-6"),
        rx.el.ul(rx.foreach(Nodes.sendings, _sending), id="sending-rows"),
    )


def _sending(job: Any) -> rx.Component:
    return rx.el.li(
        rx.el.span(job.target, class_name="min-w-0 flex-1 basis-40 truncate"),
        rx.el.span(
            rx.el.progress(
                value=job.done,
                max=job.total,
                aria_label=t("node.progress", done=job.done, total=job.total),
                class_name="progress w-24 lg:w-32",
            ),
            t("node.progress", done=job.done, total=job.total),
            class_name="num flex items-center gap-2 text-sm whitespace-nowrap lg:w-56",
        ),
        rx.el.span(
            how_far(job.state.to(str), job.error.to(str)),
            rx.cond(job.error != "", rx.el.span(" · ", t(job.error, n=""))),
            class_name="min-w-0 flex-1 basis-56 text-sm text-muted",
        ),
        rx.cond(
            job.over,
            rx.cond(job.state != "done", _act("node.again", Nodes.repeat_job(job.key.to(int)), "again")),
            _act("ui.cancel", Nodes.cancel_job(job.key.to(int)), "cancel"),
        ),
        key=job.key,
        class_name=(
            "flex min-h-12 flex-wrap items-center gap-x-4 border-b border-base-300/70 px-4 py-1 lg:px-6"
        ),
    )


def _tick(name: str, label: str) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            name=name,
            id=f"node-{name}",
            default_checked=Nodes.ticks[name],
            class_name="checkbox checkbox-sm flex-none",
        ),
        t(label),
        class_name="flex min-h-8 items-center gap-2 pointer-coarse:min-h-11",
    )


def _form_dialog() -> rx.Component:
    def line(name: str, label: str, **props: Any) -> rx.Component:
        return field(Nodes, name, label, element_id=f"node-{name}", value=Nodes.card[name], **props)

    return modal(
        "node-form",
        (Nodes.mode == "add") | (Nodes.mode == "change"),
        Nodes.close,
        rx.cond(Nodes.mode == "add", t("node.add"), t("node.change_title")),
        form(
            Nodes.submit,
            rx.el.div(
                line("node_name", "node.name", hint="node.name_hint", max_length=NAME, auto_focus=True),
                line("ae_title", "node.ae_title", required=True, max_length=16, spell_check=False),
                line("address", "node.address", hint="node.address_hint", required=True, max_length=253),
                line("port", "node.port", hint="node.port_hint", max_length=5, input_mode="numeric"),
                rx.el.fieldset(
                    rx.el.legend(t("node.rights"), class_name="mb-1 text-muted"),
                    *(_tick(name, f"node.{name}_long") for name in RIGHTS),
                    _tick("tls", "node.tls"),
                ),
                refused(Nodes),
                class_name="flex flex-col gap-3 px-6 pt-3",
            ),
            acts(
                Nodes.close,
                rx.el.button(t("doctor.save"), type="submit", id="save-node", class_name="btn btn-primary"),
            ),
        ),
        newly=Nodes.newly,
    )


def _remove_dialog() -> rx.Component:
    return confirm(
        "remove-node",
        Nodes.mode == "remove",
        Nodes.close,
        Nodes.remove,
        title=t("node.remove_confirm", name=Nodes.card["ae_title"]),
        more="node.remove_more",
        verb="node.remove",
        state=Nodes,
    )
