"""The fields of what an institution says of itself."""

from typing import Any

import reflex as rx

from mip_app.accounts.institution_form import LEVELS
from mip_app.admin.forms import field, labelled

ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Macau", "Asia/Taipei")


def institution_fields(
    state: Any, one: Any = None, *, prefix: str = "", with_code: bool = False
) -> list[rx.Component]:
    """`one`: what stands in them; `prefix` keeps the ids of two forms on one page apart."""

    def text(name: str, most: int, **props: Any) -> rx.Component:
        value = one[name] if one is not None else ""
        return field(
            state,
            name,
            f"institution.{name}",
            element_id=prefix + name,
            value=value,
            max_length=most,
            **props,
        )

    code = [text("code", 16, required=True, hint="institution.code_hint", spell_check=False)]
    return [
        text("name", 60, required=True),
        text("name_en", 120),
        *(code if with_code else []),
        text("level", 20, list=f"{prefix}levels"),
        text("phone", 40),
        text("address", 120),
        _zone(state, one, prefix),
        rx.el.datalist(*(rx.el.option(value=level) for level in LEVELS), id=f"{prefix}levels"),
    ]


def _zone(state: Any, one: Any, prefix: str) -> rx.Component:
    control = rx.el.input(
        id=f"{prefix}time_zone",
        name="time_zone",
        list=f"{prefix}zones",
        default_value=one["time_zone"] if one is not None else ZONES[0],
        max_length=64,
        spell_check=False,
        aria_invalid=state.wrong == "time_zone",
        class_name="input w-full aria-[invalid=true]:border-error",
    )
    return labelled(
        state,
        "time_zone",
        "institution.time_zone",
        rx.fragment(
            control, rx.el.datalist(*(rx.el.option(value=zone) for zone in ZONES), id=f"{prefix}zones")
        ),
    )
