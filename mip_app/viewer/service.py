"""What the viewer's page says above the images."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StudyHeader:
    study_uid: str
