"""Pieces about people that several pages show."""

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from mip_app.core.i18n import t


class PictureField(NoSSRComponent):
    library = rx.asset("picture_field.jsx", shared=True).importable_path
    tag = "PictureField"

    kind: rx.Var[str]
    label: rx.Var[str]
    help: rx.Var[str]
    address: rx.Var[str]
    target: rx.Var[str]

    @classmethod
    def get_event_triggers(cls) -> dict[str, Any]:
        return super().get_event_triggers() | {"on_changed": lambda address: [address]}


def picture_fields(
    avatar: rx.Var[str], signature: rx.Var[str], target: rx.Var[str] | str = "/people/me", **events: Any
) -> rx.Component:
    """Avatar and signature image, shown and changed; `target`: whose, by default one's own.

    The addresses are those of `portraits.own_addresses` or of a doctor's card.
    """
    return rx.el.div(
        PictureField.create(
            kind="avatar", label=t("doctor.avatar"), address=avatar, target=target + "/avatar", **events
        ),
        PictureField.create(
            kind="signature",
            label=t("doctor.signature"),
            help=t("picture.signature_help"),
            address=signature,
            target=target + "/signature",
            **events,
        ),
        class_name="flex flex-col gap-4",
    )


def face(name: rx.Var[str], avatar: rx.Var[str]) -> rx.Component:
    """The avatar, or the first character of the name."""
    return rx.cond(
        avatar != "",
        rx.el.img(
            src=avatar, alt="", loading="lazy", class_name="size-7 flex-none rounded-full object-cover"
        ),
        rx.el.span(
            name[:1],
            aria_hidden=True,
            class_name="grid size-7 flex-none place-items-center rounded-full bg-base-300 text-xs",
        ),
    )
