"""A field for a password, which its reader may look at."""

from typing import Any

import reflex as rx
from reflex_base.components.component import Component
from reflex_base.vars import Var


class Reveal(Component):
    library = rx.asset("secret.jsx", shared=True).importable_path
    tag = "Reveal"

    field: Var[str]


def password_field(name: str, *, auto_complete: str, **props: Any) -> rx.Component:
    """`name` is its id too. `auto_complete`: current-password or new-password."""
    return rx.el.div(
        rx.el.input(
            id=name,
            name=name,
            type="password",
            required=True,
            max_length=200,
            auto_complete=auto_complete,
            auto_capitalize="none",
            spell_check=False,
            **props,
        ),
        Reveal.create(field=name),
        class_name="input w-full pr-0",
    )
