"""`/admin/roles`: which role may do what. A matrix on the PC, one role at a time on the phone."""

from typing import Any

import reflex as rx

from mip_app.admin.forms import acts, confirm, field, form, labelled, modal, refused
from mip_app.admin.frame import add_admin_page, loading, page_head
from mip_app.admin.roles.state import RULE, Roles
from mip_app.core.actor import Permission
from mip_app.core.actor import Permission as P
from mip_app.core.i18n import t

# In the order of the work; a test holds this to all that an institution may give.
BY_GROUP = {
    "study": (P.STUDY_READ, P.STUDY_UPLOAD, P.STUDY_SEND, P.STUDY_SHARE),
    "report": (
        P.REPORT_READ,
        P.REPORT_READ_DRAFT,
        P.REPORT_WRITE,
        P.REPORT_SIGN,
        P.REPORT_REVIEW,
        P.REPORT_PRINT,
    ),
    "consultation": (P.CONSULTATION_REVIEW,),
    "admin": (P.ADMIN_ACCOUNTS, P.ADMIN_ROLES, P.ADMIN_INSTITUTION, P.ADMIN_NODES, P.ADMIN_DATA),
    "audit": (P.AUDIT_READ, P.AUDIT_EXPORT),
}


def add_pages(app: rx.App) -> None:
    add_admin_page(app, roles_page, "/admin/roles", "admin.roles", [Roles.load], needs=RULE)


def roles_page() -> rx.Component:
    return rx.fragment(
        page_head("admin.roles", rx.cond(Roles.ready, _add_button())),
        rx.cond(
            Roles.ready,
            rx.fragment(
                rx.el.div(
                    rx.el.p(t("role.at_once"), class_name="text-sm text-muted"),
                    rx.cond(Roles.asked == "", refused(Roles)),
                    class_name="flex flex-col gap-2 px-4 py-3 lg:px-6",
                ),
                _matrix(),
                _one_by_one(),
            ),
            loading(),
        ),
        _adding(),
        _renaming(),
        _asked("delete", Roles.delete),
        _asked("restore", Roles.restore),
    )


def role_name(row: Any) -> Any:
    return rx.cond(row["own"], row["name"], t("role." + row["code"].to(str), fallback=""))


def _add_button() -> rx.Component:
    return rx.el.button(
        rx.icon("plus", class_name="ico"),
        t("role.add"),
        type="button",
        id="add-role",
        on_click=Roles.ask("add", ""),
        class_name="btn btn-primary btn-sm pointer-coarse:h-11",
    )


def _matrix() -> rx.Component:
    """The names stay in sight while the table is scrolled, at its head and at its left."""
    return rx.el.div(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    rx.el.th(
                        t("role.permission"),
                        scope="col",
                        class_name="sticky left-0 z-10 w-80 min-w-80 bg-base-200 px-6 text-left font-normal",
                    ),
                    rx.foreach(Roles.rows, _head),
                ),
                class_name="sticky top-0 z-10 bg-base-200 text-sm text-muted",
            ),
            *(_group(group) for group in BY_GROUP),
            id="matrix",
            class_name="w-max min-w-full border-separate border-spacing-0 text-sm",
        ),
        class_name="max-h-[calc(100dvh-9.5rem)] overflow-auto border-t border-base-300 scroll-quiet max-lg:hidden",
    )


def _head(row: Any) -> rx.Component:
    return rx.el.th(
        rx.el.div(
            rx.el.span(role_name(row), class_name="font-medium text-base-content"),
            _menu(row),
            class_name="flex items-center justify-center gap-1",
        ),
        rx.el.div(t("role.people", n=row["people"]), class_name="num text-xs font-normal"),
        scope="col",
        class_name="h-14 min-w-28 border-b border-base-300 px-2 text-center",
    )


def _menu(row: Any) -> rx.Component:
    """What can be done with the role itself: nothing with one that is as delivered."""

    def act(what: str) -> rx.Component:
        return rx.el.button(
            t(f"role.{what}"),
            type="button",
            on_click=Roles.ask(what, row["code"]),
            class_name="btn btn-ghost btn-sm w-full justify-start font-normal pointer-coarse:h-11",
        )

    return rx.cond(
        row["own"] | row["changed"],
        rx.el.details(
            rx.el.summary(
                rx.icon("ellipsis", class_name="ico"),
                aria_label=t("role.more"),
                class_name="btn btn-ghost btn-xs btn-square pointer-coarse:size-11",
            ),
            rx.el.div(
                rx.cond(row["own"], rx.fragment(act("rename"), act("delete")), act("restore")),
                class_name="dropdown-content z-30 w-40 rounded-box border border-base-300 bg-base-100 p-1 shadow-sheet",
            ),
            class_name="dropdown dropdown-end",
        ),
    )


def _group(group: str) -> rx.Component:
    return rx.el.tbody(
        rx.el.tr(
            rx.el.th(
                t(f"permission.group_{group}"),
                scope="rowgroup",
                class_name="sticky left-0 bg-base-100 px-6 pt-4 pb-1 text-left text-base font-semibold",
            ),
        ),
        *(_row(permission) for permission in BY_GROUP[group]),
    )


def _row(permission: Permission) -> rx.Component:
    return rx.el.tr(
        rx.el.th(
            *_words(permission),
            scope="row",
            class_name="sticky left-0 border-b border-base-300/60 bg-base-100 px-6 py-2 text-left font-normal",
        ),
        rx.foreach(
            Roles.rows,
            lambda row: rx.el.td(
                _box(row, permission, ""), class_name="border-b border-base-300/60 px-2 text-center"
            ),
        ),
        class_name="hover:bg-base-200/60",
    )


def _words(permission: Permission) -> list[rx.Component]:
    return [
        rx.el.span(t(f"permission.{permission}"), class_name="block text-base"),
        rx.el.span(t(f"permission.{permission}_more"), class_name="block text-sm text-muted"),
    ]


def _box(row: Any, permission: Permission, device: str) -> rx.Component:
    return rx.el.input(
        type="checkbox",
        checked=row["permissions"].contains(str(permission)),
        on_change=lambda given: Roles.give(row["code"], str(permission), given),
        aria_label=t("role.may", role=role_name(row), permission=t(f"permission.{permission}")),
        class_name="checkbox checkbox-sm pointer-coarse:checkbox-md",
        custom_attrs={"data-role": row["code"], "data-permission": device + str(permission)},
    )


def _one_by_one() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.select(
                rx.foreach(Roles.rows, lambda row: rx.el.option(role_name(row), value=row["code"])),
                value=Roles.chosen["code"],
                on_change=Roles.choose,
                aria_label=t("role.choose"),
                id="choose-role",
                class_name="select min-w-0 flex-1",
            ),
            rx.el.span(t("role.people", n=Roles.chosen["people"]), class_name="num text-sm text-muted"),
            _menu(Roles.chosen),
            class_name="flex items-center gap-3 px-4 pb-2",
        ),
        *(
            rx.el.section(
                rx.el.h2(t(f"permission.group_{group}"), class_name="px-4 pt-4 pb-1 font-semibold"),
                *(
                    rx.el.label(
                        rx.el.span(*_words(permission), class_name="min-w-0 flex-1"),
                        _box(Roles.chosen, permission, "phone-"),
                        class_name="flex min-h-14 items-center gap-3 border-b border-base-300/60 px-4 py-2",
                    )
                    for permission in BY_GROUP[group]
                ),
            )
            for group in BY_GROUP
        ),
        class_name="pb-8 lg:hidden",
    )


def _adding() -> rx.Component:
    like = rx.el.select(
        rx.el.option(t("role.like_none"), value=""),
        rx.foreach(Roles.rows, lambda row: rx.el.option(role_name(row), value=row["code"])),
        name="like",
        id="like",
        class_name="select w-full",
    )
    return _named("add", Roles.add, labelled(Roles, "like", "role.like", like))


def _renaming() -> rx.Component:
    return _named("rename", Roles.rename)


def _named(what: str, on_submit: Any, *more: rx.Component) -> rx.Component:
    return modal(
        f"{what}-dialog",
        Roles.asked == what,
        Roles.close,
        t(f"role.{what}"),
        form(
            on_submit,
            rx.el.div(
                field(
                    Roles,
                    "name",
                    "role.name",
                    element_id=f"{what}-name",
                    value=Roles.one["name"],
                    required=True,
                    max_length=20,
                    auto_focus=True,
                ),
                *more,
                refused(Roles),
                class_name="flex flex-col gap-3 px-6 pt-3",
            ),
            acts(
                Roles.close,
                rx.el.button(
                    t(f"role.{what}_do"), type="submit", id=f"do-{what}", class_name="btn btn-primary"
                ),
            ),
        ),
        newly=Roles.newly,
    )


def _asked(what: str, on_confirm: Any) -> rx.Component:
    return confirm(
        what,
        Roles.asked == what,
        Roles.close,
        on_confirm,
        title=f"role.{what}",
        whom=role_name(Roles.one),
        more=f"role.{what}_more",
        verb=f"role.{what}_do",
        state=Roles,
    )
