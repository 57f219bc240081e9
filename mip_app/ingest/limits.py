"""How much one file, and one archive, may ask of us, as the settings say it."""

from mip_app.core.settings import settings
from mip_app.dicom import elements, walk


def file_limits() -> elements.Limits:
    allowed = settings()
    return elements.Limits(
        elements=allowed.max_elements,
        nesting=allowed.max_nesting,
        fragments=allowed.max_fragments,
        inflated_bytes=allowed.max_inflated_bytes,
    )


def archive_limits() -> walk.Limits:
    allowed = settings()
    return walk.Limits(
        entries=allowed.max_archive_entries,
        file_bytes=allowed.max_file_bytes,
        total_bytes=allowed.max_archive_bytes,
        ratio=allowed.max_archive_ratio,
        ratio_from=allowed.max_archive_ratio_from,
        directory_bytes=allowed.max_directory_bytes,
    )
