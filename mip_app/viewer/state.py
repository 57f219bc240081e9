from typing import TypedDict

import reflex as rx

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.errors import MipError
from mip_app.core.gate import event
from mip_app.viewer import service


class Header(TypedDict):
    patient_name: str
    patient_id: str
    sex: str
    age: int
    age_unit: str
    modality: str
    description: str
    studied_at: str
    emergency: bool
    may_report: bool


NOBODY = Header(
    patient_name="",
    patient_id="",
    sex="",
    age=0,
    age_unit="",
    modality="",
    description="",
    studied_at="",
    emergency=False,
    may_report=False,
)


class ViewerState(rx.State):
    """The lines above the images. The images themselves come to the browser by DICOMweb."""

    header: Header = NOBODY
    notice: str = ""

    @event(Permission.STUDY_READ)
    async def open(self):
        self.header, self.notice = NOBODY, ""
        try:
            opened = await looking(service.open_study, self.study_uid)  # the route's argument
        except MipError as error:
            self.notice = error.code
            return
        self.header = Header(**opened.line())
