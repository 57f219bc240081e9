"""Opening a study to look at its images."""

from sqlmodel import Session

from mip_app.audit import looks
from mip_app.audit.models import Act
from mip_app.audit.service import record
from mip_app.core.actor import Actor, Permission, needs
from mip_app.studies.service import StudyHead, head


@needs(Permission.STUDY_READ)
def open_study(session: Session, actor: Actor, study_uid: str) -> StudyHead:
    """What stands above the images; that somebody looked is written down with it. Raises NotVisible."""
    opened = head(session, actor, study_uid)
    subject = f"study:{study_uid}"
    if looks.begins(actor, subject, within=10):  # its first images may have been asked for already
        record(session, actor, Act.STUDY_VIEWED, subject)
    return opened
