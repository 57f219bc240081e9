"""What the phone shows before it lets a computer in."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.sign_in.state import Approval
from mip_app.ui.native import route_link
from mip_app.ui.state import Shell, place_name


def approve() -> rx.Component:
    return rx.el.main(
        route_link(
            "/",
            rx.icon("x", class_name="ico text-2xl"),
            aria_label=t("ui.close"),
            class_name="tap mt-2 -ml-3 grid w-11 place-items-center",
        ),
        rx.match(
            Approval.phase,
            ("loading", rx.el.div(class_name="flex-1", aria_busy=True)),
            ("ready", _question()),
            ("approved", _end("circle-check", "text-success", "approve.approved", "approve.approved_then")),
            ("refused", _end("circle-minus", "text-muted", "approve.refused", "approve.refused_then")),
            ("by_qr", _end("shield", "text-muted", "sign_in.qr_by_qr", "approve.by_qr_then")),
            ("not_here", _end("shield", "text-muted", "sign_in.qr_not_here", "approve.not_here_then")),
            _end("timer-off", "text-muted", "approve.gone", "approve.gone_then"),
        ),
        class_name="mx-auto flex min-h-dvh max-w-md flex-col bg-base-100 px-6 pt-safe",
    )


def _question() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.icon("monitor-smartphone", class_name="size-9 stroke-[1.75] text-primary"),
            rx.el.h1(t("approve.title"), class_name="mt-5 text-2xl font-semibold"),
            rx.el.dl(
                *_line("approve.device", rx.cond(Approval.device, Approval.device, t("approve.unknown"))),
                *_line("approve.place", _network(), " ", _address()),
                *_line("approve.time", _time()),
                *_line("approve.account", Shell.name, _institution()),
                class_name="mt-5 grid grid-cols-[5rem_1fr] gap-y-2.5 text-lg",
            ),
            rx.el.p(
                rx.icon("triangle-alert", class_name="ico mt-1 text-warning"),
                rx.el.span(t("approve.warning")),
                class_name="mt-6 flex items-start gap-2 rounded-field bg-wash-warn px-3 py-2.5 text-base",
            ),
            class_name="my-auto pb-10",
        ),
        rx.el.footer(
            rx.el.button(
                t("approve.refuse"),
                type="button",
                id="refuse",
                on_click=Approval.refuse,
                class_name="btn btn-lg flex-1",
            ),
            rx.el.button(
                t("approve.approve"),
                type="button",
                id="approve",
                on_click=Approval.approve,
                class_name="btn btn-lg btn-primary flex-[2]",
            ),
            class_name="-mx-6 flex gap-3 border-t border-base-300 px-4 pt-3 pb-safe",
        ),
    )


def _line(title: str, *said: Any) -> tuple[rx.Component, rx.Component]:
    return rx.el.dt(t(title), class_name="text-muted"), rx.el.dd(*said)


def _network() -> rx.Component:
    return rx.match(
        Approval.network,
        ("same", t("approve.same_network")),
        ("inside", t("approve.inside")),
        t("approve.outside"),
    )


def _address() -> rx.Component:
    return rx.el.span(Approval.address, class_name="num whitespace-nowrap")


def _time() -> rx.Component:
    return rx.cond(
        Approval.minutes > 0, t("approve.minutes_ago", minutes=Approval.minutes), t("approve.just_now")
    )


def _institution() -> rx.Component:
    return rx.el.span(place_name(), class_name="block text-base text-muted")


def _end(icon: str, colour: str, title: str, then: str) -> rx.Component:
    return rx.el.div(
        rx.icon(icon, class_name=f"size-9 stroke-[1.75] {colour}"),
        rx.el.h1(t(title), class_name="mt-5 text-2xl font-semibold"),
        rx.el.p(t(then), class_name="mt-2 text-lg text-muted"),
        route_link("/", t("approve.back"), class_name="btn mt-6"),
        role="status",
        class_name="my-auto pb-10",
    )
