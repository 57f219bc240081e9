"""The lines above the images. The images themselves come to the browser by DICOMweb."""

from typing import TypedDict

import reflex as rx

from mip_app.core.actor import Permission
from mip_app.core.database import changing
from mip_app.core.errors import MipError
from mip_app.core.gate import event
from mip_app.studies.models import PatientClass
from mip_app.studies.service import StudyHead
from mip_app.viewer.service import open_study


class Header(TypedDict):
    uid: str  # '': no study is open
    name: str
    patient_id: str
    sex: str
    age: str
    age_unit: str
    modality: str
    description: str
    time: str
    emergency: bool


NOTHING = Header(
    uid="",
    name="",
    patient_id="",
    sex="",
    age="",
    age_unit="",
    modality="",
    description="",
    time="",
    emergency=False,
)


def _header(head: StudyHead) -> Header:
    return Header(
        uid=head.uid,
        name=head.name,
        patient_id=head.patient_id,
        sex=head.sex,
        age=head.age,
        age_unit=head.age_unit,
        modality=head.modality,
        description=head.description,
        time=head.time,
        emergency=head.patient_class == PatientClass.EMERGENCY,
    )


class ViewerState(rx.State):
    header: Header = NOTHING

    @event(Permission.STUDY_READ)
    async def open(self):
        self.header = NOTHING
        try:
            study_uid = self.study_uid  # Reflex puts the route's argument there
            self.header = _header(await changing(open_study, study_uid))
        except MipError:
            return  # the viewport asks for the same study and says it in the same words
