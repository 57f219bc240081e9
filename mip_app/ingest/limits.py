"""How much one archive may ask of us, as the settings say it."""

from mip_app.core.settings import settings
from mip_app.dicom.walk import Limits


def archive_limits() -> Limits:
    allowed = settings()
    return Limits(
        entries=allowed.max_archive_entries,
        file_bytes=allowed.max_file_bytes,
        total_bytes=allowed.max_archive_bytes,
        ratio=allowed.max_archive_ratio,
    )
