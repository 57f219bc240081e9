"""The lines above the images. The images themselves come to the browser by DICOMweb."""

import reflex as rx

from mip_app.core.actor import Permission
from mip_app.core.database import changing
from mip_app.core.errors import MipError
from mip_app.core.gate import event
from mip_app.studies.service import NO_STUDY, StudyLine, line
from mip_app.viewer.service import open_study


class ViewerState(rx.State):
    study: StudyLine = NO_STUDY

    @event(Permission.STUDY_READ)
    async def open(self):
        self.study = NO_STUDY
        try:
            study_uid = self.study_uid  # Reflex puts the route's argument there
            self.study = line(await changing(open_study, study_uid))
        except MipError:
            return  # the viewport asks for the same study and says it in the same words
