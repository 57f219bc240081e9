"""A button that copies a text, also where the browser has no clipboard for pages (plain HTTP in the house)."""

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from mip_app.core.i18n import t


class CopyButton(NoSSRComponent):
    library = rx.asset("copy.jsx", shared=True).importable_path
    tag = "CopyButton"

    text: rx.Var[str]
    label: rx.Var[str]
    done: rx.Var[str]


def copy_button(text: rx.Var[str], element_id: str) -> rx.Component:
    return CopyButton.create(text=text, label=t("ui.copy"), done=t("ui.copied"), id=element_id)
