"""Dialogs, drawers and sheets that a state opens and closes."""

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent


class Modal(NoSSRComponent):
    """A native dialog; `fault` says which of its fields is wrong, so that the first of them gets the focus."""

    library = rx.asset("modal.jsx", shared=True).importable_path
    tag = "Modal"

    open: rx.Var[bool]
    fault: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_closed": lambda: []}
