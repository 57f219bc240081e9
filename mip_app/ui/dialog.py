"""Dialogs that a state opens and closes."""

from typing import Any

import reflex as rx
from reflex_base.vars import Var

_SCRIPT = rx.asset("dialog.jsx", shared=True).importable_path


class Dialog(rx.NoSSRComponent):
    """A native modal dialog, open as long as `open` is true."""

    library = _SCRIPT
    tag = "Dialog"

    open: Var[bool]
    id: Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_close": lambda: []}


class CopyButton(rx.NoSSRComponent):
    """Copies `text`; without a clipboard it selects the element that `data-of` names."""

    library = _SCRIPT
    tag = "CopyButton"

    text: Var[str]
    copied: Var[str]
