"""What the study list shows of the way images come in."""

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from mip_app.core.i18n import t
from mip_app.ui.state import may

_engine = rx.asset("upload.js", shared=True)


class UploadPanel(NoSSRComponent):
    """The panel and the drop area are the browser's own affair: files travel by HTTP, no event is sent."""

    library = rx.asset("upload.jsx", shared=True).importable_path
    tag = "UploadPanel"


def upload_button() -> rx.Component:
    """Opens the panel, for those who may; in the bar of the phone an icon alone."""
    return rx.cond(
        may("study.upload"),
        rx.el.button(
            rx.icon("upload", class_name="ico [header_&]:text-[1.35rem]"),
            rx.el.span(t("ingest.upload"), class_name="[header_&]:sr-only"),
            type="button",
            class_name="btn btn-sm btn-ghost font-normal [header_&]:min-h-11 [header_&]:min-w-11",
            custom_attrs={"command": "show-modal", "commandfor": "upload"},
        ),
    )


def upload_drawer() -> rx.Component:
    """The panel (a sheet on the phone), and the whole page as a place to drop files on. Once a page."""
    return rx.cond(may("study.upload"), UploadPanel.create())
