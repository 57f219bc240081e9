import reflex as rx

from mip_app.viewer.components import viewer_room
from mip_app.viewer.state import ViewerState


def add_pages(app: rx.App) -> None:
    app.add_page(viewer_room, route="/viewer/[study_uid]", title="MIP", on_load=ViewerState.open)
