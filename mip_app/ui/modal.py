"""Dialogs, drawers and sheets that a state opens and closes."""

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from mip_app.core.i18n import t


class Modal(NoSSRComponent):
    """A native dialog; `fault` says which of its fields is wrong, so that the first of them gets the focus."""

    library = rx.asset("modal.jsx", shared=True).importable_path
    tag = "Modal"

    open: rx.Var[bool]
    fault: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_closed": lambda: []}


class CopyButton(NoSSRComponent):
    """Copies a text, also where the browser has no clipboard for pages (plain HTTP in the house)."""

    library = rx.asset("copy.jsx", shared=True).importable_path
    tag = "CopyButton"

    text: rx.Var[str]
    label: rx.Var[str]
    done: rx.Var[str]


def copy_button(text: rx.Var[str], element_id: str, label: str = "ui.copy") -> rx.Component:
    return CopyButton.create(text=text, label=t(label), done=t("ui.copied"), id=element_id)


def confirmation(
    element_id: str,
    opened: rx.Var[bool],
    title: rx.Var[str],
    *body: rx.Component,
    closed: Any,
    act: rx.Component,
    cancel: str = "ui.cancel",
) -> rx.Component:
    """Title = the act, body = whom it concerns; buttons right, the act last, named by its verb."""
    return Modal.create(
        rx.el.div(
            rx.el.div(
                rx.el.h2(title, id=f"{element_id}-title", class_name="text-xl font-semibold"),
                *body,
                class_name="px-6 pt-5",
            ),
            rx.el.div(
                rx.el.button(t(cancel), type="button", on_click=closed, class_name="btn btn-ghost"),
                act,
                class_name="mt-5 flex justify-end gap-2 border-t border-base-300 px-6 py-4",
            ),
            class_name="modal-box max-w-md p-0",
        ),
        open=opened,
        on_closed=closed,
        id=element_id,
        class_name="modal",
        custom_attrs={"aria-labelledby": f"{element_id}-title"},
    )


def said_line(code: rx.Var[str]) -> rx.Component:
    """An error in words, where it belongs."""
    return rx.cond(
        code != "",
        rx.el.p(
            rx.icon("circle-alert", class_name="ico flex-none"),
            t(code),
            role="alert",
            class_name="mt-3 flex items-start gap-2 rounded-field bg-wash-error px-3 py-2 text-error",
        ),
    )
