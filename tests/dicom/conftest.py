import os
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset

SHARED = Path(os.environ.get("MIP_SHARED") or Path(__file__).parents[3] / "shared") / "dicom"
WHEEL = Path(pydicom.__file__).parent / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real and hostile DICOM files."""
    if not SHARED.is_dir():
        pytest.skip(f"no DICOM files in {SHARED}; set MIP_SHARED to the folder that holds dicom/")
    return SHARED


@pytest.fixture(scope="session")
def everything() -> list[Path]:
    """All files of pydicom's wheel, DICOM or not, and the shared ones when they are there."""
    roots = [WHEEL, SHARED] if SHARED.is_dir() else [WHEEL]
    return [p for root in roots for p in sorted(root.rglob("*")) if p.is_file()]


@pytest.fixture(scope="session")
def wheel() -> Callable[[str], Path]:
    def find(name: str) -> Path:
        return Path(str(get_testdata_file(name, download=False)))

    return find


@pytest.fixture
def changed(tmp_path: Path, wheel: Callable[[str], Path]) -> Callable[..., Path]:
    """CT_small with other values, written without pydicom's opinion of them."""

    def write(**values: object) -> Path:
        dataset: FileDataset | Dataset = pydicom.dcmread(wheel("CT_small.dcm"))
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.dcm"
        dataset.save_as(path)
        return path

    return write
