"""A DICOMDIR (PS3.10 chapter 8): which files it names, in its order, inside its own folder and nowhere else."""

import re
from pathlib import Path

from pydicom import dcmread

from mip_app.dicom.elements import Refused

_COMPONENT = re.compile(r"[^/\\:\0]{1,64}")  # PS3.10 8.2 says eight letters; others write what they have


def directory_in(folder: Path) -> Path | None:
    """Its DICOMDIR, whatever the letters: CDs are read by systems that write names small."""
    try:
        found = [path for path in folder.iterdir() if path.name.upper() == "DICOMDIR" and path.is_file()]
    except OSError:
        return None
    return min(found) if found else None


def named_in(directory: Path, most_bytes: int) -> list[Path]:
    """The files that are there, each once. Raises Refused: ingest.outside_folder, whole, when one leads out of it.

    A directory that cannot be read names nothing: its files are found without it.
    """
    folder = directory.parent.resolve()
    try:
        if directory.stat().st_size > most_bytes:
            return []
        read = dcmread(directory, specific_tags=["DirectoryRecordSequence"])
        ids = [record.get("ReferencedFileID") for record in read.get("DirectoryRecordSequence") or []]
    except Exception:  # a damaged one: pydicom raises what it likes
        return []
    found: dict[Path, None] = {}
    for asked in ids:
        if not asked:
            continue
        parts = [asked] if isinstance(asked, str) else [str(part) for part in asked]
        if any(not _COMPONENT.fullmatch(part) or part in (".", "..") for part in parts):
            raise Refused("ingest.outside_folder")
        if (path := _there(folder, parts)) is not None:
            if not path.resolve().is_relative_to(folder):
                raise Refused("ingest.outside_folder")
            if not path.is_symlink() and path.is_file():
                found[path] = None
    return list(found)


def _there(folder: Path, parts: list[str]) -> Path | None:
    for spelt in (parts, [part.lower() for part in parts], [part.upper() for part in parts]):
        path = folder.joinpath(*spelt)
        if path.exists():
            return path
    return None
