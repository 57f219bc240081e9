"""`/admin/audit`: who did what, when, from where."""

import reflex as rx
from reflex_base.components.component import NoSSRComponent
from reflex_base.vars import Var

from mip_app.admin.frame import add_admin_page, page_head
from mip_app.auditing import bars, table
from mip_app.auditing.state import AuditTrail
from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.ui.state import may


class ExportDialog(NoSSRComponent):
    """The file travels by HTTP, no event is sent."""

    library = rx.asset("export.jsx", shared=True).importable_path
    tag = "ExportDialog"

    asked: Var[dict[str, str]]


def add_pages(app: rx.App) -> None:
    add_admin_page(app, _audit, "/admin/audit", "admin.audit", [AuditTrail.load], needs=Permission.AUDIT_READ)


def _audit() -> rx.Component:
    return rx.fragment(
        page_head("admin.audit", *_acts()),
        bars.tabs(),
        bars.open_filters(),
        bars.filters(),
        rx.match(
            AuditTrail.phase,
            ("loading", rx.el.p(t("ui.loading"), class_name="px-6 py-10 text-muted")),
            ("failed", _failed()),
            rx.cond(AuditTrail.rows.length() > 0, rx.fragment(table.table(), table.cards()), _empty()),
        ),
        bars.footer(),
        rx.cond(may("audit.export"), ExportDialog.create(asked=AuditTrail.asked)),
    )


def _acts() -> tuple[rx.Component, ...]:
    return (
        rx.el.button(
            rx.icon("refresh-cw", class_name="ico"),
            t("audit.refresh"),
            type="button",
            on_click=AuditTrail.load,
            id="audit-refresh",
            class_name="btn btn-sm btn-ghost font-normal",
        ),
        rx.el.button(
            rx.icon("shield-check", class_name="ico"),
            t("audit.prove"),
            type="button",
            on_click=AuditTrail.prove,
            disabled=AuditTrail.proving == "running",
            id="audit-prove",
            class_name="btn btn-sm btn-ghost font-normal disabled:text-muted",
        ),
        rx.cond(
            may("audit.export"),
            rx.el.button(
                rx.icon("download", class_name="ico"),
                t("audit.export"),
                type="button",
                id="audit-export-open",
                custom_attrs={"command": "show-modal", "commandfor": "audit-export"},
                class_name="btn btn-sm",
            ),
        ),
    )


def _empty() -> rx.Component:
    return rx.el.p(
        t("audit.empty"),
        id="audit-empty",
        class_name="border-y border-base-300 px-6 py-10 text-center text-muted",
    )


def _failed() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("audit.failed", number=AuditTrail.trouble)),
        rx.el.button(t("studies.retry"), type="button", on_click=AuditTrail.load, class_name="btn btn-sm"),
        role="alert",
        class_name="flex items-center gap-3 px-6 py-10",
    )
