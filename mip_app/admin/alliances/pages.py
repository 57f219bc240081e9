"""`/admin/alliances`: the operator opens alliances and their administrators."""

from typing import Any

import reflex as rx

from mip_app.admin.administrators import administrators, confirm_reset
from mip_app.admin.alliances.state import Alliances
from mip_app.admin.forms import (
    acts,
    confirm,
    field,
    form,
    modal,
    nothing,
    person_fields,
    refused,
    secret_dialog,
)
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.admin.places import drawer, place, places, state_acts
from mip_app.core.actor import Permission
from mip_app.core.i18n import t


def add_pages(app: rx.App) -> None:
    add_admin_page(
        app,
        alliances_page,
        "/admin/alliances",
        "admin.alliances",
        [Alliances.load],
        needs=Permission.ADMIN_ALLIANCES,
    )


def alliances_page() -> rx.Component:
    return rx.fragment(
        page_head("admin.alliances", rx.cond(Alliances.ready, _open_button())),
        rx.cond(
            Alliances.ready,
            rx.cond(
                Alliances.rows.length() > 0,
                places(Alliances.rows, _alliance),
                nothing("network", "alliance.none", "alliance.none_more"),
            ),
            loading(),
        ),
        _opening(),
        _drawer(),
        confirm(
            "disable",
            Alliances.asked == "disable",
            Alliances.close,
            Alliances.disable,
            title="alliance.disable_title",
            whom=Alliances.one["name"],
            more="alliance.disable_more",
            verb="admin.disable",
            state=Alliances,
        ),
        confirm_reset(Alliances),
        secret_dialog(Alliances, Alliances.noted),
    )


def _open_button() -> rx.Component:
    return rx.el.button(
        rx.icon("plus", class_name="ico"),
        t("alliance.open"),
        type="button",
        id="open-place",
        on_click=Alliances.start_opening,
        class_name="btn btn-primary btn-sm pointer-coarse:h-11",
    )


def _alliance(one: Any) -> rx.Component:
    return place(
        one,
        Alliances.show(one["id"]),
        rx.el.span(t("alliance.institutions", n=one["institutions"]), class_name="num"),
        rx.el.span(t("alliance.administrators", n=one["administrators"]), class_name="num"),
    )


def _opening() -> rx.Component:
    return modal(
        "opening",
        Alliances.asked == "open",
        Alliances.close,
        t("alliance.open"),
        form(
            Alliances.open_one,
            rx.el.div(
                field(Alliances, "name", "alliance.name", required=True, max_length=60),
                field(Alliances, "name_en", "alliance.name_en", max_length=120),
                rx.el.h3(
                    t("admin.first_administrator"), class_name="mt-2 text-lg font-semibold lg:col-span-2"
                ),
                *person_fields(Alliances),
                rx.el.div(refused(Alliances), class_name="lg:col-span-2"),
                class_name="grid gap-x-5 gap-y-3 overflow-y-auto px-6 pt-3 lg:grid-cols-2",
            ),
            acts(
                Alliances.close,
                rx.el.button(t("alliance.open"), type="submit", id="do-open", class_name="btn btn-primary"),
            ),
        ),
        wide=True,
        newly=Alliances.newly,
    )


def _drawer() -> rx.Component:
    return drawer(
        Alliances,
        form(
            Alliances.rename,
            field(
                Alliances,
                "name",
                "alliance.name",
                element_id="rename-name",
                value=Alliances.one["name"],
                required=True,
                max_length=60,
            ),
            field(
                Alliances,
                "name_en",
                "alliance.name_en",
                element_id="rename-name_en",
                value=Alliances.one["name_en"],
                max_length=120,
            ),
            rx.el.button(t("admin.save"), type="submit", id="do-rename", class_name="btn self-end"),
            class_name="flex flex-col gap-3",
        ),
        administrators(Alliances),
        state_acts(Alliances, "alliance.disable", "alliance.enable"),
    )
