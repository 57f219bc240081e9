import reflex as rx

from mip_app.core.actor import Permission
from mip_app.ui.shell import add_page
from mip_app.viewer.components import viewer_room
from mip_app.viewer.state import ViewerState


def add_pages(app: rx.App) -> None:
    add_page(
        app,
        viewer_room,
        "/viewer/[study_uid]",
        "viewer.title",
        [ViewerState.open],
        needs=Permission.STUDY_READ,
        theme="mip-dark",
    )
