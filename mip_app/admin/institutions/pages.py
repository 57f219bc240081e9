"""`/admin/institutions`: the alliance's administrator opens institutions and their administrators."""

from typing import Any

import reflex as rx

from mip_app.admin.administrators import administrators, confirm_reset
from mip_app.admin.forms import (
    acts,
    confirm,
    form,
    modal,
    nothing,
    person_fields,
    refused,
    secret_dialog,
)
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.admin.institution.fields import institution_fields
from mip_app.admin.institutions.state import Institutions
from mip_app.admin.places import drawer, place, places, state_acts
from mip_app.core.actor import Permission
from mip_app.core.i18n import t


def add_pages(app: rx.App) -> None:
    add_admin_page(
        app,
        institutions_page,
        "/admin/institutions",
        "admin.institutions",
        [Institutions.load],
        needs=Permission.ADMIN_INSTITUTIONS,
    )


def institutions_page() -> rx.Component:
    return rx.fragment(
        page_head("admin.institutions", rx.cond(Institutions.ready, _open_button())),
        rx.cond(
            Institutions.ready,
            rx.cond(
                Institutions.rows.length() > 0,
                places(Institutions.rows, _institution),
                nothing("hospital", "institution.none", "institution.none_more"),
            ),
            loading(),
        ),
        _opening(),
        _drawer(),
        confirm(
            "disable",
            Institutions.asked == "disable",
            Institutions.close,
            Institutions.disable,
            title="institution.disable_title",
            whom=Institutions.one["name"],
            more="institution.disable_more",
            verb="admin.disable",
            state=Institutions,
        ),
        confirm_reset(Institutions),
        secret_dialog(Institutions, Institutions.noted),
    )


def _open_button() -> rx.Component:
    return rx.el.button(
        rx.icon("plus", class_name="ico"),
        t("institution.open"),
        type="button",
        id="open-place",
        on_click=Institutions.start_opening,
        class_name="btn btn-primary btn-sm pointer-coarse:h-11",
    )


def _institution(one: Any) -> rx.Component:
    return place(
        one,
        Institutions.show(one["id"]),
        rx.el.span(one["code"], class_name="num w-24 truncate"),
        rx.cond(
            one["level"] != "",
            rx.el.span(one["level"], class_name="w-24 truncate"),
            rx.el.span(class_name="max-lg:hidden"),
        ),
        rx.el.span(t("institution.people", n=one["people"]), class_name="num"),
    )


def _opening() -> rx.Component:
    return modal(
        "opening",
        Institutions.asked == "open",
        Institutions.close,
        t("institution.open"),
        form(
            Institutions.open_one,
            rx.el.div(
                *institution_fields(Institutions, with_code=True),
                rx.el.h3(
                    t("admin.first_administrator"), class_name="mt-2 text-lg font-semibold lg:col-span-2"
                ),
                *person_fields(Institutions),
                rx.el.div(refused(Institutions), class_name="lg:col-span-2"),
                class_name="grid max-h-[68dvh] gap-x-5 gap-y-3 overflow-y-auto px-6 pt-3 scroll-quiet lg:grid-cols-2",
            ),
            acts(
                Institutions.close,
                rx.el.button(
                    t("institution.open"), type="submit", id="do-open", class_name="btn btn-primary"
                ),
            ),
        ),
        wide=True,
        newly=Institutions.newly,
    )


def _drawer() -> rx.Component:
    return drawer(
        Institutions,
        rx.el.p(
            t("institution.code"),
            " ",
            rx.el.span(Institutions.one["code"], class_name="num text-base-content"),
            class_name="mb-3 text-muted",
        ),
        form(
            Institutions.change,
            *institution_fields(Institutions, Institutions.one, prefix="change-"),
            rx.el.button(t("admin.save"), type="submit", id="do-change", class_name="btn self-end"),
            class_name="flex flex-col gap-3",
        ),
        administrators(Institutions),
        state_acts(Institutions, "institution.disable", "institution.enable"),
    )
