"""Parts of the administration's forms and dialogs."""

from typing import Any

import reflex as rx

from mip_app.core.i18n import t
from mip_app.ui.modal import Modal, copy_button


def field(
    state: Any, name: str, label: str, *, value: Any = "", hint: str = "", **props: Any
) -> rx.Component:
    """A label, a line to type in, and below it what was wrong with it. `props` are the input's."""
    control = rx.el.input(
        id=props.pop("element_id", name),
        name=name,
        default_value=value,
        auto_complete="off",
        aria_invalid=state.wrong == name,
        class_name="input w-full aria-[invalid=true]:border-error",
        **props,
    )
    return labelled(state, name, label, control, hint=hint, required=bool(props.get("required")))


def labelled(
    state: Any, name: str, label: str, control: rx.Component, *, hint: str = "", required: bool = False
) -> rx.Component:
    star = [rx.el.span(" *", class_name="text-error", aria_hidden=True)] if required else []
    return rx.el.label(
        rx.el.span(t(label), *star, class_name="mb-1.5 block text-muted"),
        control,
        rx.el.span(t(hint), class_name="mt-1 block text-sm text-muted") if hint else rx.fragment(),
        rx.cond(
            state.wrong == name,
            rx.el.span(
                rx.icon("circle-alert", class_name="ico"),
                t(state.trouble, n=state.limit),
                role="alert",
                class_name="mt-1 flex items-center gap-1.5 text-sm text-error",
            ),
        ),
        class_name="block",
    )


def refused(state: Any) -> rx.Component:
    """What was refused and is about no field in particular."""
    return rx.cond(
        (state.trouble != "") & (state.wrong == ""),
        rx.el.p(
            rx.icon("circle-alert", class_name="ico"),
            t(state.trouble, n=state.limit),
            role="alert",
            class_name="flex items-center gap-2 rounded-field bg-wash-error px-3 py-2 text-error",
        ),
    )


def form(on_submit: Any, *children: rx.Component, **props: Any) -> rx.Component:
    # `post`: should the browser itself ever send it, nothing of it stands in an address.
    return rx.el.form(*children, on_submit=on_submit, method="post", no_validate=True, **props)


def modal(
    element_id: str,
    is_open: Any,
    on_close: Any,
    title: Any,
    *body: rx.Component,
    wide: bool = False,
) -> rx.Component:
    """A dialog in the middle; its content is made anew each time it opens."""
    box = (
        "modal-box max-w-2xl p-0 max-lg:max-h-[92dvh] max-lg:w-full max-lg:max-w-none max-lg:rounded-b-none"
        if wide
        else "modal-box max-w-md p-0"
    )
    return Modal.create(
        rx.cond(
            is_open,
            rx.el.div(
                rx.el.h2(title, id=f"{element_id}-title", class_name="px-6 pt-5 text-xl font-semibold"),
                *body,
                class_name=box,
            ),
        ),
        open=is_open,
        fault="",
        on_closed=on_close,
        id=element_id,
        custom_attrs={"aria-labelledby": f"{element_id}-title"},
        class_name="modal max-lg:modal-bottom" if wide else "modal",
    )


def acts(on_cancel: Any, *buttons: rx.Component) -> rx.Component:
    """The foot of a dialog: to leave at the left, the act last."""
    return rx.el.div(
        rx.el.button(t("ui.cancel"), type="button", on_click=on_cancel, class_name="btn btn-ghost"),
        *buttons,
        class_name="mt-5 flex justify-end gap-2 border-t border-base-300 px-6 py-4",
    )


def confirm(
    element_id: str,
    is_open: Any,
    on_close: Any,
    on_confirm: Any,
    *,
    title: str,
    whom: Any,
    more: str,
    verb: str,
    state: Any,
) -> rx.Component:
    """Before an act that others feel at once: whom it is about, what happens, and its verb."""
    return modal(
        element_id,
        is_open,
        on_close,
        t(title),
        rx.el.div(
            rx.el.p(whom, class_name="text-lg"),
            rx.el.p(t(more), class_name="text-muted"),
            refused(state),
            class_name="flex flex-col gap-2 px-6 pt-3",
        ),
        acts(
            on_close,
            rx.el.button(
                t(verb), type="button", id=f"do-{element_id}", on_click=on_confirm, class_name="btn btn-error"
            ),
        ),
    )


def secret_dialog(state: Any, on_close: Any) -> rx.Component:
    """An initial password, which is shown this once."""
    return modal(
        "secret",
        state.secret != "",
        on_close,
        t("admin.secret_title"),
        rx.el.div(
            rx.el.p(t("admin.secret_more"), class_name="text-muted"),
            rx.el.dl(
                rx.el.dt(t("sign_in.account"), class_name="text-muted"),
                rx.el.dd(state.secret_of, id="secret-account", class_name="break-all font-mono"),
                rx.el.dt(t("admin.initial_password"), class_name="text-muted"),
                rx.el.dd(state.secret, id="secret-password", class_name="font-mono text-lg select-all"),
                class_name="mt-2 grid grid-cols-[6rem_1fr] items-baseline gap-y-2",
            ),
            class_name="px-6 pt-3",
        ),
        rx.el.div(
            copy_button(state.secret, "copy-secret", "admin.copy_password"),
            rx.el.button(
                t("admin.secret_noted"),
                type="button",
                id="secret-noted",
                on_click=on_close,
                class_name="btn btn-primary",
            ),
            class_name="mt-5 flex justify-end gap-2 border-t border-base-300 px-6 py-4",
        ),
    )


def person_fields(state: Any, prefix: str = "") -> list[rx.Component]:
    """Who gets an account: name, what they sign in with, mobile phone."""
    return [
        field(state, "person", "admin.person", element_id=f"{prefix}person", required=True, max_length=60),
        field(
            state,
            "account",
            "sign_in.account",
            element_id=f"{prefix}account",
            hint="admin.account_hint",
            required=True,
            max_length=40,
            auto_capitalize="none",
            spell_check=False,
        ),
        field(
            state,
            "mobile",
            "admin.mobile",
            element_id=f"{prefix}mobile",
            hint="admin.mobile_hint",
            required=True,
            max_length=20,
            input_mode="tel",
        ),
    ]


def nothing(icon: str, line: str, more: str, *way_on: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.icon(icon, class_name="size-6 text-muted"),
        rx.el.p(t(line), class_name="text-lg"),
        rx.el.p(t(more), class_name="text-muted"),
        *way_on,
        class_name="flex flex-col items-start gap-2 px-6 py-10",
    )
