"""`/admin/institution` (医院管理): what the institution says of itself, and figures of what there is."""

from typing import Any

import reflex as rx

from mip_app.admin.forms import acts, form, modal, refused
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.admin.institution.fields import institution_fields
from mip_app.admin.institution.state import RULE, OwnInstitution
from mip_app.core.i18n import t
from mip_app.sign_in.official_account_parts import official_account_form
from mip_app.sign_in.official_account_state import OfficialAccountForm

SAID = OwnInstitution.said


class LogoField(rx.NoSSRComponent):
    """Chooses a picture and sends it."""

    library = rx.asset("logo.jsx", shared=True).importable_path
    tag = "LogoField"

    label: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_sent": lambda: []}


def add_pages(app: rx.App) -> None:
    def institution_page() -> rx.Component:
        return rx.fragment(
            page_head("admin.institution"),
            rx.cond(
                OwnInstitution.ready,
                rx.el.div(
                    rx.el.div(_figures(), class_name="flex flex-col gap-9"),
                    rx.el.div(_about(), class_name="lg:col-start-2 lg:row-span-2 lg:row-start-1"),
                    rx.el.div(official_account_form()),
                    class_name="grid gap-x-14 gap-y-9 px-4 py-6 lg:grid-cols-[minmax(0,1fr)_24rem] lg:grid-rows-[auto_1fr] lg:px-6",
                ),
                loading(),
            ),
            _change(),
        )

    add_admin_page(
        app,
        institution_page,
        "/admin/institution",
        "admin.institution",
        [OwnInstitution.load, OfficialAccountForm.load],
        needs=RULE,
    )


def _figures() -> rx.Component:
    people = OwnInstitution.people
    return rx.fragment(
        rx.el.section(
            rx.el.h2(t("institution.storage"), class_name="text-lg font-semibold"),
            rx.el.p(
                rx.cond(
                    OwnInstitution.counted,
                    rx.fragment(
                        rx.el.span(OwnInstitution.stored, class_name="num text-3xl font-semibold"),
                        rx.el.span(OwnInstitution.stored_unit, class_name="text-lg"),
                    ),
                    rx.el.span(t("institution.counting"), class_name="text-muted"),
                ),
                id="stored",
                class_name="mt-3 flex min-h-9 items-baseline gap-2",
            ),
            rx.el.p(t("institution.storage_more"), class_name="text-sm text-muted"),
        ),
        rx.el.section(
            rx.el.h2(t("institution.now"), class_name="text-lg font-semibold"),
            rx.el.div(
                _figure(
                    "studies",
                    "institution.studies_month",
                    rx.cond(OwnInstitution.counted, OwnInstitution.studies.to_string(), "—"),
                ),
                _figure("people", "institution.people_now", people["people"].to_string()),
                _figure("departments", "admin.departments_count", people["departments"].to_string()),
                _figure("sign-ins", "institution.sign_ins_today", people["sign_ins_today"].to_string()),
                class_name="mt-3 grid grid-cols-2 gap-y-5 lg:grid-cols-4 lg:divide-x lg:divide-base-300",
            ),
        ),
    )


def _figure(name: str, label: str, value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.p(t(label), class_name="text-sm text-muted"),
        rx.el.p(value, id=f"figure-{name}", class_name="num mt-0.5 text-2xl font-semibold"),
        class_name="lg:px-5 lg:first:pl-0",
    )


def _about() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2(t("institution.about"), class_name="text-lg font-semibold"),
            rx.el.button(
                t("admin.change"),
                type="button",
                id="change-institution",
                on_click=OwnInstitution.start,
                class_name="btn btn-ghost btn-sm ml-auto text-primary pointer-coarse:h-11",
            ),
            class_name="flex items-center",
        ),
        rx.el.dl(
            _said("institution.name", SAID["name"]),
            _said("institution.name_en", SAID["name_en"]),
            _said("institution.code", SAID["code"]),
            _said("institution.level", SAID["level"]),
            _said("institution.address", SAID["address"]),
            _said("institution.phone", SAID["phone"]),
            _said("institution.time_zone", SAID["time_zone"]),
            _line(
                "admin.administrators",
                rx.el.ul(rx.foreach(SAID["administrators"], lambda one: rx.el.li(one, class_name="num"))),
            ),
            _logo(),
            class_name="mt-2",
        ),
    )


def _said(label: str, value: Any) -> rx.Component:
    return _line(label, rx.cond(value != "", value, rx.el.span("—", class_name="text-muted")))


def _line(label: str, *value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.dt(t(label), class_name="w-28 flex-none text-muted"),
        rx.el.dd(*value, class_name="num min-w-0 flex-1 break-words"),
        class_name="flex min-h-11 items-center border-b border-base-300/60 py-1.5",
    )


def _logo() -> rx.Component:
    """It stands at the head of printed reports."""
    picture = rx.cond(
        SAID["logo"] != "",
        rx.el.img(
            src=f"/institution/logo?{SAID['logo']}",
            alt=t("institution.logo"),
            id="logo",
            class_name="h-10 max-w-28 object-contain",
        ),
        rx.el.span("—", class_name="text-muted"),
    )
    return rx.el.div(
        rx.el.dt(t("institution.logo"), class_name="w-28 flex-none text-muted"),
        rx.el.dd(
            picture,
            rx.el.span(class_name="flex-1"),
            LogoField.create(
                label=rx.cond(SAID["logo"] != "", t("logo.change"), t("logo.choose")),
                on_sent=OwnInstitution.logo_sent,
            ),
            rx.cond(
                SAID["logo"] != "",
                rx.el.button(
                    t("logo.remove"),
                    type="button",
                    id="remove-logo",
                    on_click=OwnInstitution.remove_logo,
                    class_name="btn btn-ghost btn-sm text-error pointer-coarse:h-11",
                ),
            ),
            rx.el.p(t("logo.hint"), class_name="basis-full text-sm text-muted"),
            class_name="flex min-w-0 flex-1 flex-wrap items-center gap-x-1",
        ),
        class_name="flex items-start border-b border-base-300/60 py-2.5",
    )


def _change() -> rx.Component:
    return modal(
        "change-dialog",
        OwnInstitution.changing,
        OwnInstitution.close,
        t("institution.change"),
        form(
            OwnInstitution.change,
            rx.el.div(
                *institution_fields(OwnInstitution, SAID),
                rx.el.div(refused(OwnInstitution), class_name="lg:col-span-2"),
                class_name="grid max-h-[68dvh] gap-x-5 gap-y-3 overflow-y-auto px-6 pt-3 scroll-quiet lg:grid-cols-2",
            ),
            acts(
                OwnInstitution.close,
                rx.el.button(t("admin.save"), type="submit", id="do-change", class_name="btn btn-primary"),
            ),
        ),
        wide=True,
        newly=OwnInstitution.newly,
    )
