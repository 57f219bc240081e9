"""Images whose bytes lie in a store in the network: taken in, looked at, and refused whole when it is away."""

import io
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.core.blobs import blobs
from mip_app.core.database import engine
from mip_app.ingest.service import Kind, take_in
from mip_app.studies import door
from mip_app.studies.models import Instance
from tests.conftest import OnDisk
from tests.dicomweb.test_stow import FAILED, STORED, post, reasons, references, related
from tests.ingest.made import ROOT, image, series

pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)
SERIES = f"/dicom-web/studies/{ROOT}.1/series/{ROOT}.1.1"


def stored() -> list[Instance]:
    with Session(engine()) as session:
        return list(session.exec(door.marked(select(Instance))))


def images() -> set[str]:
    return {key for key, _ in blobs().keys("") if key.endswith(".dcm")}


def test_from_stow_to_frame_metadata_and_thumbnail(on_s3, api):
    assert post(api, related(image(1), image(2, side=64))).status_code == 200
    frame = api.get(f"{SERIES}/instances/{ROOT}.1.1.2/frames/1")
    assert frame.status_code == 200
    assert dcmread(io.BytesIO(image(2, side=64))).PixelData in frame.content
    assert image(1) in api.get(f"{SERIES}/instances/{ROOT}.1.1.1").content
    assert len(api.get(f"{SERIES}/metadata").json()) == 2
    for _ in range(2):  # made, then kept
        thumbnail = api.get(f"{SERIES}/thumbnail")
        assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/jpeg")
    assert images() == {row.blob for row in stored()}
    assert not list(blobs().incoming.iterdir())


def test_the_store_dies_between_two_files_and_comes_back(up, on_s3, actor, tmp_path):
    paths = series(tmp_path / "ct", 6)

    def offered():
        for number, path in enumerate(paths):
            if number == 3:
                up.stop()
            yield OnDisk(path)

    technician = actor(Role.TECHNICIAN)
    outcomes = [outcome for source in offered() for outcome in take_in(technician, [source])]
    assert [o.kind for o in outcomes] == [Kind.STORED] * 3 + [Kind.REFUSED] * 3
    assert {o.code for o in outcomes[3:]} == {"error.blobs_away"}
    assert not list(blobs().incoming.iterdir())
    assert len(stored()) == 3
    up.start()
    assert images() == {row.blob for row in stored()}
    again = list(take_in(technician, [OnDisk(path) for path in paths]))
    assert [o.kind for o in again] == [Kind.UNCHANGED] * 3 + [Kind.STORED] * 3
    assert images() == {row.blob for row in stored()} and len(stored()) == 6


def test_senders_and_readers_hear_that_it_is_away(up, on_s3, api):
    post(api, related(image(1)))
    up.stop()
    answer = post(api, related(image(2)))
    assert (answer.status_code, reasons(answer.json())) == (503, [0xA700])
    assert references(answer.json(), FAILED) == [f"{ROOT}.1.1.2"]
    for path in ("/frames/1", "/bulkdata/7FE00010", ""):
        assert api.get(f"{SERIES}/instances/{ROOT}.1.1.1{path}").status_code == 503
    assert api.get(f"{SERIES}/thumbnail").status_code == 503
    assert api.get(f"/dicom-web/studies/{ROOT}.1/series").status_code == 200  # the database answers
    up.start()
    answer = post(api, related(image(2)))
    assert references(answer.json(), STORED) == [f"{ROOT}.1.1.2"]
    assert api.get(f"{SERIES}/instances/{ROOT}.1.1.1/frames/1").status_code == 200


def test_frames_of_an_image_asked_together_are_one_request_to_the_store(on_s3, api):
    stored_file = Path(str(get_testdata_file("SC_rgb_rle_2frame.dcm", download=False)))
    assert post(api, related(stored_file.read_bytes())).status_code == 200
    header = dcmread(stored_file)
    at = f"/dicom-web/studies/{header.StudyInstanceUID}/series/{header.SeriesInstanceUID}"
    asked: list[str] = []
    blobs()._client.meta.events.register(
        "before-call.s3.GetObject", lambda model, **_: asked.append(model.name)
    )
    answer = api.get(f"{at}/instances/{header.SOPInstanceUID}/frames/1,2")
    for frame in generate_frames(header.PixelData, number_of_frames=2):
        assert frame in answer.content
    assert len(asked) == 1
