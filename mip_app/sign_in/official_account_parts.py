"""The form of an institution's official account. Of a secret it shows whether there is one, never which."""

import reflex as rx

from mip_app.core.i18n import t
from mip_app.sign_in.official_account_state import OfficialAccountForm as Form
from mip_app.ui.native import post_form


def official_account_form() -> rx.Component:
    """For the page of the institution, which loads `OfficialAccountForm.load`."""
    return rx.cond(
        Form.ready,
        rx.el.section(
            rx.el.h2(t("official.title"), class_name="text-lg font-semibold"),
            rx.el.p(t("official.more"), class_name="mt-1 text-sm text-muted"),
            rx.cond(Form.said != "", _said()),
            _form(),
            rx.cond(Form.app_id != "", _remove()),
            id="official-account",
            class_name="max-w-xl",
        ),
    )


def _said() -> rx.Component:
    return rx.el.p(
        rx.cond(
            Form.wrong,
            rx.icon("circle-alert", class_name="ico text-error"),
            rx.icon("circle-check", class_name="ico text-success"),
        ),
        t(Form.said),
        role="status",
        class_name="mt-3 flex items-center gap-2 rounded-field bg-wash px-3 py-2",
    )


def _form() -> rx.Component:
    return post_form(
        "/auth/official-account",
        _field("name", "official.name", default_value=Form.name, key=Form.name, max_length=60, required=True),
        _field(
            "app_id",
            "official.app_id",
            default_value=Form.app_id,
            key=Form.app_id,
            max_length=32,
            required=True,
            placeholder="wx",
        ),
        _secret("secret", "official.secret", Form.has_secret, 64),
        _secret("token", "official.token", Form.has_token, 32),
        _secret("aes_key", "official.aes_key", Form.has_aes_key, 43),
        rx.el.p(t("official.aes_key_more"), class_name="-mt-2 text-sm text-muted"),
        rx.el.div(
            rx.el.p(t("official.callback"), class_name="text-muted"),
            rx.el.code(Form.callback, id="official-callback", class_name="text-sm break-all select-all"),
            class_name="flex flex-col gap-1.5",
        ),
        rx.el.button(
            t("official.save"), type="submit", id="official-save", class_name="btn btn-primary self-start"
        ),
        class_name="mt-4 flex flex-col gap-4",
    )


def _field(name: str, label: str, **props: object) -> rx.Component:
    return rx.el.label(
        rx.el.span(t(label), class_name="text-muted"),
        rx.el.input(
            name=name,
            id=f"official-{name}",
            auto_complete="off",
            spell_check=False,
            class_name="input w-full",
            **props,
        ),
        class_name="flex flex-col gap-1.5",
    )


def _secret(name: str, label: str, there: rx.Var[bool], most: int) -> rx.Component:
    return _field(
        name,
        label,
        type="password",
        max_length=most,
        placeholder=rx.cond(there, t("official.is_set"), t("official.is_not_set")),
    )


def _remove() -> rx.Component:
    return rx.fragment(
        rx.el.button(
            t("official.remove"),
            type="button",
            id="official-remove",
            custom_attrs={"command": "show-modal", "commandfor": "official-removal"},
            class_name="btn btn-ghost btn-sm mt-4 text-error pointer-coarse:min-h-11",
        ),
        rx.el.dialog(
            rx.el.div(
                rx.el.h3(t("official.remove_title"), class_name="text-lg font-medium"),
                rx.el.p(t("official.remove_more"), class_name="mt-1 text-muted"),
                post_form(
                    "/auth/official-account",
                    rx.el.input(type="hidden", name="remove", value="true"),
                    rx.el.button(
                        t("ui.cancel"),
                        type="button",
                        custom_attrs={"command": "close", "commandfor": "official-removal"},
                        class_name="btn btn-ghost",
                    ),
                    rx.el.button(
                        t("official.remove"),
                        type="submit",
                        id="official-removal-do",
                        class_name="btn btn-error",
                    ),
                    class_name="mt-6 flex justify-end gap-2",
                ),
                class_name="modal-box",
            ),
            id="official-removal",
            class_name="modal",
        ),
    )
