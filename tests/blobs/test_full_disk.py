"""A disk that is full refuses in words, keeps what it has, and goes on when there is room again."""

import contextlib
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from mip_app.core.blobs import Folder, NoRoom, blobs
from mip_app.core.database import engine
from mip_app.core.settings import settings
from mip_app.ingest.service import Kind
from mip_app.studies import door
from mip_app.studies.models import Instance
from tests.dicomweb.test_stow import post, reasons, related
from tests.ingest.made import image

MEGABYTES = 4


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for some images."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", place], capture_output=True
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_does_not_fit_is_refused_and_the_next_that_fits_goes_in(
    db, small_disk, api, ingest, monkeypatch, tmp_path
):
    monkeypatch.setenv("MIP_BLOBS_URL", small_disk.as_uri())
    for cached in (settings, blobs):
        cached.cache_clear()
    fits, large = image(1, side=1000), image(2, side=1500)  # 2 and 4.5 MB
    paths = [tmp_path / "fits.dcm", tmp_path / "large.dcm", tmp_path / "small.dcm"]
    for path, data in zip(paths, (fits, large, image(3)), strict=True):
        path.write_bytes(data)
    outcomes = ingest(paths)
    assert [o.kind for o in outcomes] == [Kind.STORED, Kind.REFUSED, Kind.STORED]
    assert outcomes[1].code == "error.no_room"
    answer = post(api, related(image(4, side=1500)))
    assert (answer.status_code, list(answer.json())) == (503, ["0008119A"])
    assert reasons(answer.json(), "0008119A") == [0xA700]
    with Session(engine()) as session:
        rows = session.exec(door.marked(select(Instance))).all()
    assert {key for key, _ in blobs().keys("")} == {row.blob for row in rows}
    assert not list(blobs().incoming.iterdir())


def test_nothing_is_left_of_what_did_not_fit(small_disk):
    store = Folder(small_disk)
    filling = store.receive(io.BytesIO(bytes(3_500_000)), 3_500_000)
    with pytest.raises(NoRoom) as refused:
        store.receive(io.BytesIO(bytes(1_000_000)), 1_000_000)
    assert (refused.value.status, refused.value.code) == (507, "error.no_room")
    with pytest.raises(NoRoom):
        store.put("1/made/picture", bytes(1_000_000))
    assert list(store.incoming.iterdir()) == [filling.path]
    assert list(store.keys()) == []
    filling.discard()
    store.put("1/made/picture", bytes(1_000_000))


def test_the_kernel_says_that_the_disk_is_full(tmp_path):
    arriving = Folder(tmp_path).arriving(100)
    with contextlib.closing(arriving._file), open("/dev/full", "wb", buffering=0) as full:
        arriving._file = full
        with pytest.raises(NoRoom):
            arriving.write(b"x")
    arriving.discard()
    assert not list(tmp_path.rglob("*.*")) and not list((tmp_path / "incoming").iterdir())
