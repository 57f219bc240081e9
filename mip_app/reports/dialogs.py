"""What is asked before an act that cannot be taken back, and the printed report. All native dialogs."""

import reflex as rx

from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.reports.components import PAGE, REPORT, STUDY, can, icon
from mip_app.reports.draft import REASON
from mip_app.reports.editor import act, close, show, value_of, wide
from mip_app.reports.versions import versions_panel
from mip_app.studies.heading import person
from mip_app.ui.state import may


def dialogs() -> rx.Component:
    return rx.fragment(
        rx.cond(can("sign"), _confirm("signing", "sign", "sign", "signature")),
        rx.cond(can("review"), _confirm("reviewing", "review", "review", "signature")),
        rx.cond(can("sign_amendment"), _confirm("reviewing", "sign_amendment", "review", "signature")),
        rx.cond(
            can("sign_amendment"), _confirm("drop-amendment", "drop_amendment", "drop_amendment", "undo-2")
        ),
        rx.cond(can("take_over"), _confirm("take-over", "take_over", "take_over", "lock")),
        rx.cond(can("return"), _reasoned("give-back", "give_back", "give_back")),
        rx.cond(can("amend"), _reasoned("amend", "amend", "amend")),
        rx.cond(can("print"), _printed()),
        _more(),
        _versions(),
    )


def _confirm(element_id: str, words: str, name: str, sign: str) -> rx.Component:
    """Title = the act, body = which patient, which study, which version."""
    return _dialog(
        element_id,
        t(f"report.{words}"),
        rx.el.p(t(f"report.{words}_more"), class_name="mt-1 text-base text-muted"),
        _whose(REPORT.version if name in ("take_over", "drop_amendment") else REPORT.next),
        confirm=rx.el.button(
            icon(sign),
            t(f"report.{words}_do"),
            id=f"do-{element_id}",
            on_click=act(name, closes=element_id),
            class_name="btn btn-primary",
        ),
    )


def _whose(version: rx.Var[int]) -> rx.Component:
    """Which patient, which study, which version."""
    return rx.el.dl(
        rx.el.dt(t("report.patient"), class_name="text-muted"),
        rx.el.dd(
            rx.cond(STUDY.name != "", STUDY.name, t("studies.unknown_name")),
            " · ",
            person(STUDY),
            " · ",
            rx.el.span(STUDY.patient_id, class_name="num"),
        ),
        rx.el.dt(t("report.study"), class_name="text-muted"),
        rx.el.dd(
            *(STUDY.modality, " ", STUDY.description, " · "),
            rx.el.span(STUDY.time, class_name="num whitespace-nowrap"),
        ),
        rx.el.dt(t("report.text"), class_name="text-muted"),
        rx.el.dd(
            rx.cond(version > 0, t("report.version", n=version), t("report.never_saved")),
            class_name="num",
        ),
        class_name="mt-4 grid grid-cols-[5rem_1fr] gap-y-1.5 text-base",
    )


def _reasoned(element_id: str, words: str, name: str) -> rx.Component:
    field = f"{element_id}-reason"
    return _dialog(
        element_id,
        t(f"report.{words}_title"),
        rx.el.p(t(f"report.{words}_more"), class_name="mt-1 text-base text-muted"),
        _whose(REPORT.version),
        rx.el.label(
            rx.el.span(t("report.reason"), class_name="mb-1.5 block text-muted"),
            rx.el.textarea(
                id=field,
                rows="3",
                max_length=REASON,
                auto_focus=True,
                aria_required=True,
                class_name="peer textarea w-full aria-[invalid=true]:border-error",
            ),
            rx.el.span(
                t("report.no_reason"),
                class_name="mt-1 hidden text-sm text-error peer-aria-[invalid=true]:block",
            ),
            class_name="mt-4 block",
        ),
        confirm=rx.el.button(
            t(f"report.{words}_do"),
            id=f"do-{element_id}",
            on_click=act(name, closes=element_id, needs=field, reason=value_of(field)),
            class_name="btn btn-primary",
        ),
    )


def _dialog(element_id: str, title: rx.Var[str], *body: rx.Component, confirm: rx.Component) -> rx.Component:
    return rx.el.dialog(
        rx.el.div(
            rx.el.div(
                rx.el.h2(title, id=f"{element_id}-title", class_name="text-xl font-semibold"),
                *body,
                class_name="px-6 pt-5",
            ),
            rx.el.div(
                rx.el.button(t("ui.cancel"), on_click=close(element_id), class_name="btn btn-ghost"),
                confirm,
                class_name="mt-5 flex justify-end gap-2 border-t border-base-300 px-6 py-4",
            ),
            class_name="modal-box max-w-md p-0",
        ),
        id=element_id,
        aria_labelledby=f"{element_id}-title",
        class_name="modal",
    )


def _printed() -> rx.Component:
    """On the PC the sheet itself; a phone shows PDFs in a tab of their own."""
    return rx.el.dialog(
        rx.el.div(
            rx.el.header(
                rx.el.h2(t("report.print_preview"), id="printed-title", class_name="text-lg font-semibold"),
                rx.el.span(STUDY.name, " · ", STUDY.description, class_name="truncate text-sm text-muted"),
                rx.el.button(
                    icon("x"),
                    on_click=close("printed"),
                    aria_label=t("ui.close"),
                    class_name="btn btn-ghost btn-sm btn-square ml-auto",
                ),
                class_name="flex h-12 flex-none items-center gap-3 border-b border-base-300 pr-3 pl-4",
            ),
            rx.cond(
                PAGE.print_refused != "",
                rx.el.p(t(PAGE.print_refused), class_name="px-6 py-10 text-lg", role="alert"),
                rx.cond(
                    PAGE.sheet != "",
                    rx.cond(
                        wide(),
                        rx.el.iframe(
                            src=PAGE.sheet,
                            title=t("report.print_preview"),
                            id="sheet",
                            class_name="min-h-0 w-full flex-1 bg-base-300",
                        ),
                        rx.el.div(
                            rx.el.a(
                                icon("file-text"),
                                t("report.open_pdf"),
                                href=PAGE.sheet,
                                target="_blank",
                                id="open-pdf",
                                class_name="btn btn-primary w-full",
                            ),
                            rx.el.a(
                                icon("download"),
                                t("report.download_pdf"),
                                href=PAGE.sheet,
                                download="report.pdf",
                                class_name="btn w-full",
                            ),
                            class_name="flex flex-col gap-3 p-4",
                        ),
                    ),
                    rx.el.p(t("report.preparing"), class_name="px-6 py-10 text-muted", role="status"),
                ),
            ),
            class_name="modal-box flex max-h-none w-full max-w-4xl flex-col overflow-hidden p-0 lg:h-[92dvh]",
        ),
        id="printed",
        aria_labelledby="printed-title",
        class_name="modal max-lg:modal-bottom",
    )


_LINE = "flex h-13 w-full items-center gap-3 px-4 text-lg"


def _more() -> rx.Component:
    return rx.el.dialog(
        rx.cond(
            may(Permission.REPORT_READ_DRAFT),
            rx.el.button(
                icon("history"),
                t("report.versions"),
                rx.el.span(
                    t("report.version", n=REPORT.version), class_name="num ml-auto text-base text-muted"
                ),
                on_click=[rx.call_function(close("more")), rx.call_function(show("versions"))],
                id="open-versions",
                class_name=_LINE,
            ),
        ),
        rx.cond(
            can("print"),
            rx.fragment(
                rx.el.button(
                    icon("eye"),
                    t("report.preview"),
                    on_click=[
                        rx.call_function(close("more")),
                        PAGE.preview,
                        rx.call_function(show("printed")),
                    ],
                    class_name=_LINE,
                ),
                rx.el.button(
                    icon("printer"),
                    t("report.print"),
                    on_click=[
                        rx.call_function(close("more")),
                        PAGE.print,
                        rx.call_function(show("printed")),
                    ],
                    id="print-phone",
                    class_name=_LINE,
                ),
            ),
        ),
        id="more",
        aria_label=t("report.more"),
        class_name="sheet",
    )


def _versions() -> rx.Component:
    return rx.el.dialog(
        rx.el.div(
            rx.el.div(
                rx.el.h2(t("report.versions"), class_name="text-lg font-medium"),
                rx.el.button(
                    icon("x"),
                    on_click=close("versions"),
                    aria_label=t("ui.close"),
                    class_name="btn btn-ghost btn-square ml-auto",
                ),
                class_name="flex items-center px-4",
            ),
            versions_panel(),
            class_name="flex max-h-[80dvh] flex-col",
        ),
        id="versions",
        class_name="sheet",
    )
