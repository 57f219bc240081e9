"""First sign-in on the PC: scan to follow the institution's official account, in place of a text message."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.sign_in.follow_state import FollowStep


def follow_step(*, done: Any = None) -> rx.Component:
    """Nothing where the institution has no account, and on the phone. Its page loads `FollowStep.load`.

    `done`: what the page's own state does once the code was scanned; without it the page is opened anew.
    """
    return rx.cond(
        FollowStep.name != "",
        rx.el.section(
            rx.el.div(
                rx.el.div(class_name="h-px flex-1 bg-base-300"),
                rx.el.span(t("follow.or"), class_name="text-sm text-muted"),
                rx.el.div(class_name="h-px flex-1 bg-base-300"),
                class_name="flex items-center gap-3",
                aria_hidden=True,
            ),
            rx.match(FollowStep.phase, ("waiting", _code()), ("done", _done(done)), _offer()),
            aria_label=t("follow.title"),
            id="follow",
            class_name="max-lg:hidden",
        ),
    )


def _offer() -> rx.Component:
    return rx.fragment(
        rx.el.p(
            rx.match(
                FollowStep.phase,
                ("elsewhere", t("follow.elsewhere")),
                ("over", t("follow.over")),
                rx.match(
                    FollowStep.refused,
                    ("", t("follow.offer", name=FollowStep.name)),
                    ("follow.too_many", t("follow.too_many")),
                    t("follow.away"),
                ),
            ),
            role="status",
            class_name="mt-4 text-sm text-muted",
        ),
        rx.el.button(
            rx.icon("qr-code", class_name="ico"),
            t("follow.show"),
            type="button",
            on_click=FollowStep.show_code,
            id="follow-show",
            class_name="btn mt-3 w-full",
        ),
    )


def _code() -> rx.Component:
    return rx.el.div(
        rx.el.img(
            src=FollowStep.image,
            alt=t("follow.title"),
            id="follow-code",
            class_name="size-36 rounded-field border border-base-300",
        ),
        rx.el.div(
            rx.el.p(t("follow.title"), class_name="font-medium"),
            rx.el.p(t("follow.how", name=FollowStep.name), class_name="mt-1 text-sm text-muted"),
            class_name="flex-1",
        ),
        class_name="mt-4 flex items-center gap-4",
    )


def _done(done: Any) -> rx.Component:
    return rx.el.p(
        rx.icon("circle-check", class_name="ico text-success"),
        t("follow.done"),
        role="status",
        on_mount=done if done is not None else rx.noop(),
        class_name="mt-4 flex items-center gap-2",
    )
