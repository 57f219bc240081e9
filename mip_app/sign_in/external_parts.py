"""Pieces of pages about WeChat and WeCom: buttons and words of the sign-in page, the list of the account page."""

import reflex as rx

from mip_app.core.i18n import t
from mip_app.sign_in.external_state import BoundLine, External, Identities
from mip_app.ui.native import route_link

ICONS = {"wechat": "message-circle", "wecom": "briefcase", "follow": "rss"}


def external_buttons() -> rx.Component:
    """One link for each way that is configured; nothing where none is. Its page loads `External.load`."""
    return rx.cond(
        External.kinds.length() > 0,
        rx.el.div(
            rx.foreach(External.kinds, _button),
            role="group",
            aria_label=t("external.other_ways"),
            class_name="mt-6 flex gap-3",
        ),
    )


def external_notice() -> rx.Component:
    """What the sign-in page says: an identity waits for its account, or why a way led nowhere."""
    return rx.cond(
        External.refused != "",
        rx.el.p(
            rx.icon("circle-alert", class_name="ico shrink-0"),
            t(External.refused, provider=provider_name(External.kind)),
            role="alert",
            class_name="mt-4 flex items-center gap-2 rounded-field bg-wash-error px-3 py-2 text-error",
        ),
        rx.cond(
            External.bind != "",
            rx.el.p(
                rx.icon("info", class_name="ico shrink-0"),
                t("external.prove", provider=provider_name(External.bind)),
                role="status",
                class_name="mt-4 flex items-center gap-2 rounded-field bg-wash px-3 py-2",
            ),
        ),
    )


def external_identities() -> rx.Component:
    """The account page's section: what is bound, given up with one button. Its page loads `Identities.load`.

    Not there where nothing is bound and nothing could be.
    """
    return rx.cond(
        (Identities.rows.length() > 0) | (Identities.addable.length() > 0),
        rx.el.section(
            rx.el.h2(t("external.title"), class_name="pb-2 text-lg font-semibold"),
            rx.el.ul(
                rx.foreach(Identities.rows, _line),
                rx.foreach(Identities.addable, _add),
                class_name="divide-y divide-base-300 border-y border-base-300",
            ),
            rx.cond(
                Identities.refused != "",
                rx.el.p(t("external.not_unbound"), role="alert", class_name="mt-2 text-sm text-error"),
                rx.el.p(t("external.title_more"), class_name="mt-2 text-sm text-muted"),
            ),
            id="identities",
            class_name="mt-8",
        ),
    )


def provider_name(provider: rx.Var[str] | str) -> rx.Var[str]:
    return rx.match(
        provider,
        ("wecom", t("external.wecom")),
        ("follow", t("external.follow")),
        t("external.wechat"),
    )


def provider_icon(provider: rx.Var[str], class_name: str = "ico text-muted") -> rx.Component:
    def icon(name: str) -> rx.Component:
        return rx.icon(ICONS[name], class_name=class_name)

    return rx.match(provider, ("wecom", icon("wecom")), ("follow", icon("follow")), icon("wechat"))


def _button(kind: rx.Var[str]) -> rx.Component:
    return route_link(
        f"/auth/{kind}",
        provider_icon(kind, "ico text-lg text-muted"),
        provider_name(kind),
        id=f"sign-in-{kind}",
        class_name="btn btn-ghost flex-1 border border-base-300 font-normal pointer-coarse:min-h-11",
    )


def _line(row: rx.Var[BoundLine], number: rx.Var[int]) -> rx.Component:
    return rx.el.li(
        provider_icon(row["provider"]),
        rx.el.div(
            rx.el.p(provider_name(row["provider"])),
            rx.el.p(t("external.bound_on", day=row["at"]), class_name="num text-sm text-muted"),
            class_name="flex-1",
        ),
        rx.el.button(
            t("external.unbind"),
            type="button",
            on_click=Identities.unbind(number),
            class_name="btn btn-sm pointer-coarse:min-h-11",
        ),
        class_name="flex min-h-16 items-center gap-3 py-2",
    )


def _add(kind: rx.Var[str]) -> rx.Component:
    return rx.el.li(
        provider_icon(kind),
        rx.el.div(
            rx.el.p(provider_name(kind)),
            rx.el.p(t("external.none_bound"), class_name="text-sm text-muted"),
            class_name="flex-1",
        ),
        route_link(
            f"/auth/{kind}?bind=1&next=/account",
            t("external.bind"),
            id=f"bind-{kind}",
            class_name="btn btn-sm pointer-coarse:min-h-11",
        ),
        class_name="flex min-h-16 items-center gap-3 py-2",
    )
