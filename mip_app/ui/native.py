"""Plain HTML where Reflex would put itself in between."""

import reflex as rx
from reflex_base.vars import Var
from reflex_components_core.el.elements.base import BaseHTML


class NativeForm(BaseHTML):
    """A form that the browser itself posts, before hydration and after; `rx.el.form` would prevent it."""

    tag = "form"

    action: Var[str]
    method: Var[str]


def post_form(action: str, *children: rx.Component, **props: object) -> rx.Component:
    return NativeForm.create(*children, action=action, method="post", **props)


class NativeLink(BaseHTML):
    """A link that the browser itself follows; `rx.el.a` stays within the pages and never asks a route."""

    tag = "a"

    href: Var[str]
    download: Var[str]


def route_link(href: str | Var[str], *children: object, **props: object) -> rx.Component:
    """To what is no page: a route of ours that answers with a redirect."""
    return NativeLink.create(*children, href=href, **props)


def file_link(href: str | Var[str], *children: object, **props: object) -> rx.Component:
    """Downloads what a route of ours answers, under the name that the route gives it."""
    return NativeLink.create(*children, href=href, download="", **props)
