"""`/admin`: on to the first area that the administrator has."""

from typing import Any

import reflex as rx

from mip_app.admin.frame import AREAS
from mip_app.core.actor import current_actor
from mip_app.core.gate import Open, event
from mip_app.ui.shell import add_page


class AdminHome(rx.State):
    @event(Open.TO_SIGNED_IN)
    async def go_on(self) -> Any:
        permissions = current_actor().permissions
        area = next((area.route for area in AREAS if area.needs in permissions), "/studies")
        return rx.redirect(area, replace=True)


def add_pages(app: rx.App) -> None:
    add_page(app, _home, "/admin", "admin.title", [AdminHome.go_on], needs=Open.TO_SIGNED_IN)


def _home() -> rx.Component:
    return rx.el.main(class_name="min-h-dvh bg-base-100")
