"""The report of one study, beside its images."""

from collections.abc import Callable
from typing import Any

import reflex as rx
from reflex_base.vars import VarData

from mip_app.core.actor import Permission
from mip_app.core.i18n import t
from mip_app.reports import components as parts
from mip_app.reports.components import PAGE
from mip_app.reports.dialogs import dialogs
from mip_app.reports.editor import wide
from mip_app.reports.lock_bar import lock_bar, messages
from mip_app.reports.versions import versions_panel
from mip_app.ui.shell import add_page
from mip_app.ui.state import Shell, may

Images = Callable[[rx.Var[Any]], rx.Component]

# The study of the page's address, known before the server says anything.
STUDY_UID = rx.Var(
    _js_expr="params.study_uid",
    _var_type=str,
    _var_data=VarData(
        imports={"react-router": [rx.ImportVar(tag="useParams")]}, hooks={"const params = useParams()": None}
    ),
).to(str)


# Known once the frame has loaded.
SIGNED_IN: Any = Shell.name != ""


def add_pages(app: rx.App, images: Images | None = None) -> None:
    """`images` gives the component that shows the images of a study; the composition root passes it in."""

    def report() -> rx.Component:
        return room(images)

    add_page(
        app,
        report,
        "/reports/[study_uid]",
        "report.page",
        on_load=[PAGE.load],
        needs=Permission.REPORT_READ,
        theme="mip-dark",
    )


def room(images: Images | None) -> rx.Component:
    return rx.el.div(
        rx.cond(
            SIGNED_IN & ~may(Permission.REPORT_READ),
            _message("lock", "report.not_permitted", "report.ask_administrator"),
            rx.cond(
                ((PAGE.phase == "ready") & (PAGE.study.uid == STUDY_UID)) | parts.still_open(),
                rx.fragment(_ready(images), dialogs()),
                rx.cond(
                    (PAGE.phase == "loading") | (PAGE.phase == "ready"),
                    _loading(),
                    _message("search-x", PAGE.phase, ""),
                ),
            ),
        ),
        parts.writing_desk(STUDY_UID),
        custom_attrs={"data-says-offline": "true"},
        class_name="flex h-dvh flex-col overflow-hidden bg-base-100 text-base-content lg:bg-base-200",
    )


def _ready(images: Images | None) -> rx.Component:
    column = "flex min-w-0 flex-1 flex-col bg-base-100"
    return rx.fragment(
        parts.bar(),
        parts.phone_bar(_viewer_link() if images else None),
        rx.el.div(
            rx.cond(wide(), rx.el.div(images(STUDY_UID), class_name="flex min-w-0 flex-1 flex-col"))
            if images
            else rx.fragment(),
            rx.el.main(
                lock_bar(),
                messages(),
                parts.state_line(),
                rx.cond(PAGE.text.open | parts.still_open(), parts.texts(), parts.closed()),
                parts.sign_bar(),
                class_name=column
                + (" lg:w-[30rem] lg:flex-none lg:border-l lg:border-base-300" if images else ""),
            ),
            rx.cond(
                may(Permission.REPORT_READ_DRAFT),
                rx.el.aside(
                    rx.el.h2(
                        t("report.versions"),
                        class_name="flex h-10 flex-none items-center border-b border-base-300 px-4 text-sm font-medium",
                    ),
                    versions_panel(),
                    class_name="hidden w-80 flex-none flex-col border-l border-base-300 bg-base-100 lg:flex",
                ),
            ),
            class_name="flex min-h-0 flex-1",
        ),
    )


def _viewer_link() -> rx.Component:
    return rx.el.a(
        t("report.images"),
        href=rx.Var.create("/viewer/") + STUDY_UID,
        class_name="btn btn-ghost font-medium text-primary",
    )


def _loading() -> rx.Component:
    """As tall as what comes, so that nothing jumps."""
    line = "h-4 rounded bg-base-300/60"
    return rx.el.div(
        rx.el.div(class_name="h-14 border-b border-base-300 bg-base-100 lg:h-12"),
        rx.el.div(
            *(
                rx.el.div(class_name=f"{line} {width}")
                for width in ("w-24", "w-full", "w-11/12", "w-4/5", "w-2/3")
            ),
            class_name="flex max-w-[44rem] flex-col gap-3 p-4",
        ),
        aria_busy=True,
        aria_label=t("report.loading"),
        class_name="flex-1 bg-base-100",
    )


def _message(sign: str, line: str | rx.Var[str], more: str) -> rx.Component:
    return rx.el.main(
        rx.icon(sign, class_name="ico text-2xl text-muted"),
        rx.el.h1(t(line), class_name="text-lg"),
        rx.el.p(t(more), class_name="text-muted") if more else rx.fragment(),
        rx.el.a(t("studies.back"), href="/studies", class_name="btn mt-2"),
        class_name="flex flex-1 flex-col items-start gap-2 bg-base-100 px-6 py-10",
    )
