"""Sending a study from the list: the act in its row, and the dialog. The composition root puts both there."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.dimse import state
from mip_app.ui.modal import Modal
from mip_app.ui.state import may

SendTo: Any = state.SendTo


def send_act(row: Any, class_name: str, **props: Any) -> rx.Component:
    """For one study of the list; nothing for those who may not, nor on what others have granted."""
    return rx.cond(
        may("study.send") & (row.whose == ""),
        rx.el.button(
            rx.icon("send", class_name="ico"),
            type="button",
            on_click=SendTo.open(row.uid),
            title=t("send.title"),
            aria_label=t("send.title"),
            custom_attrs={"data-act": "send"},
            class_name=class_name,
            **props,
        ),
    )


def send_dialog() -> rx.Component:
    """Once a page."""
    return Modal.create(
        rx.cond(
            SendTo.study != "",
            rx.el.div(
                rx.el.h2(t("send.title"), id="send-title", class_name="px-6 pt-5 text-xl font-semibold"),
                rx.cond(SendTo.job == 0, _choice(), _progress()),
                _trouble(SendTo.trouble, "mx-6 mt-2"),
                rx.el.div(
                    rx.el.button(
                        t("ui.close"),
                        type="button",
                        id="close-send",
                        on_click=SendTo.close,
                        class_name="btn btn-ghost",
                    ),
                    class_name="mt-4 flex justify-end border-t border-base-300 px-6 py-4",
                ),
                class_name="modal-box max-w-md p-0 max-lg:max-w-none max-lg:pb-safe",
            ),
        ),
        open=SendTo.study != "",
        on_closed=SendTo.close,
        id="send",
        custom_attrs={"aria-labelledby": "send-title"},
        class_name="modal max-lg:modal-bottom",
    )


def how_far(state: Any, error: Any) -> rx.Var[str]:
    """A job's state in words; one that waits after an error will try again by itself."""
    return rx.cond(
        (state == "waiting") & (error != ""),
        t("job.state.retrying"),
        t("job.state." + state, fallback=""),
    )


def _choice() -> rx.Component:
    return rx.cond(
        SendTo.targets.length() > 0,
        rx.el.ul(
            rx.foreach(
                SendTo.targets,
                lambda one: rx.el.li(
                    rx.el.button(
                        rx.el.span(one.name, class_name="min-w-0 flex-1 truncate text-left"),
                        rx.el.span(one.ae_title, class_name="num text-sm text-muted"),
                        type="button",
                        on_click=SendTo.send(one.key),
                        class_name="flex h-11 w-full items-center gap-4 rounded-field px-3 hover:bg-base-200",
                    ),
                    key=one.key,
                ),
            ),
            id="send-targets",
            class_name="max-h-80 overflow-y-auto px-3 pt-3",
        ),
        rx.el.p(t("send.nowhere"), class_name="px-6 pt-3 text-muted"),
    )


def _progress() -> rx.Component:
    over = (SendTo.state == "failed") | (SendTo.state == "cancelled")
    return rx.el.div(
        rx.el.p(SendTo.to, class_name="truncate text-lg"),
        rx.el.progress(
            value=SendTo.done,
            max=SendTo.total,
            aria_label=t("node.progress", done=SendTo.done, total=SendTo.total),
            class_name="progress progress-primary w-full",
        ),
        rx.el.p(
            how_far(SendTo.state.to(str), SendTo.error),
            " · ",
            t("node.progress", done=SendTo.done, total=SendTo.total),
            role="status",
            id="send-state",
            class_name="num",
        ),
        _trouble(SendTo.error),
        rx.match(
            SendTo.state,
            ("done", rx.fragment()),
            rx.cond(
                over,
                rx.el.button(
                    t("node.again"), type="button", on_click=SendTo.repeat, class_name="btn btn-sm self-start"
                ),
                rx.el.button(
                    t("send.cancel"),
                    type="button",
                    on_click=SendTo.cancel,
                    class_name="btn btn-sm self-start",
                ),
            ),
        ),
        class_name="flex flex-col gap-2 px-6 pt-3",
    )


def _trouble(code: Any, place: str = "") -> rx.Component:
    return rx.cond(
        code != "",
        rx.el.p(
            rx.icon("circle-alert", class_name="ico flex-none"),
            t(code, n=""),
            role="alert",
            class_name=f"flex items-center gap-2 text-sm text-error {place}",
        ),
    )
