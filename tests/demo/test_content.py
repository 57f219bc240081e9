"""The demo shows invented people only, says so everywhere, and is the same on every machine."""

import hashlib
import io
import warnings
from collections import Counter
from datetime import UTC, datetime

import pytest
from pydicom import FileDataset, dcmread
from pydicom.uid import RLELossless

from mip_app.demo.catalogue import (
    ACCOUNTS,
    ALLIANCE,
    DEPARTMENTS,
    INSTITUTIONS,
    STUDIES,
    ReportState,
    StudySpec,
    timeline,
)
from mip_app.demo.phantom import COMMENT, build, study_uid
from mip_app.demo.recipes import RECIPES
from mip_app.demo.texts import report_of

NOW = datetime(2026, 11, 24, 14, 0)
BY_KEY = {spec.key: spec for spec in STUDIES}
SYNTHETIC = [spec for spec in STUDIES if spec.images.recipe != "wheel"]


def stored(data: FileDataset) -> bytes:
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def first(spec: StudySpec) -> FileDataset:
    return next(iter(build(spec, NOW)))


def one_of_each_recipe() -> list[StudySpec]:
    return list({spec.images.recipe: spec for spec in SYNTHETIC}.values())


def test_alliance_has_institutions_with_people_for_every_role() -> None:
    assert ALLIANCE
    assert len(INSTITUTIONS) >= 3
    here, there = (i.code for i in INSTITUTIONS[:2])
    roles = {code: {a.role for a in ACCOUNTS if a.institution == code} for code in ("", here, there)}
    assert roles[""] == {"operator", "alliance_admin"}
    assert roles[here] >= {"institution_admin", "reporter", "reviewer", "clinician", "technician", "auditor"}
    assert roles[there] >= {"reporter", "reviewer"}
    assert "consultation_reviewer" in roles[here]
    assert len({a.account for a in ACCOUNTS}) == len({a.mobile for a in ACCOUNTS}) == len(ACCOUNTS)


def test_somebody_works_in_two_places_somebody_has_two_roles_and_somebody_is_new() -> None:
    assert any(a.also and a.also[0][0] != a.institution for a in ACCOUNTS)
    assert any(a.more_roles for a in ACCOUNTS)
    assert [a.account for a in ACCOUNTS if a.first_login] == ["suxiaoman"]
    assert all(a.mobile.startswith("1380000") and len(a.mobile) == 11 for a in ACCOUNTS)
    assert {a.department for a in ACCOUNTS if a.institution} <= set(DEPARTMENTS)
    assert all(i.name_en and i.level for i in INSTITUTIONS)


def test_there_are_enough_studies_of_many_kinds() -> None:
    counted = Counter(spec.institution for spec in STUDIES)
    assert counted == {"JN1": 30, "QH2": 14}
    assert {spec.modality for spec in STUDIES} >= {"CT", "MR", "DX", "US", "MG", "XA", "PT"}
    assert {spec.report for spec in STUDIES} == set(ReportState)
    assert sum(spec.days_ago == 0 for spec in STUDIES) >= 6
    assert (
        len({spec.accession for spec in STUDIES})
        == len({study_uid(spec) for spec in STUDIES})
        == len(STUDIES)
    )
    of_one = [spec for spec in STUDIES if spec.patient.id == "0012345678"]
    assert [spec.modality for spec in of_one] == ["CT", "DX", "CT"]


@pytest.mark.parametrize("spec", STUDIES, ids=lambda s: s.key)
def test_reports_match_their_state_and_are_signed_by_people_of_the_house(spec: StudySpec) -> None:
    text, roles = report_of(spec), {a.account: a for a in ACCOUNTS}
    assert (text is None) == (spec.report is ReportState.NONE)
    if text is None:
        return
    assert len(text.findings.splitlines()) >= 2
    assert text.impression
    assert bool(text.return_reason) == (spec.report is ReportState.RETURNED)
    assert bool(text.amendment_reason) == (text.before is not None) == (spec.report is ReportState.AMENDED)
    assert roles[spec.author].role == "reporter"
    assert roles[spec.author].institution == spec.institution
    reviewed = spec.report in (ReportState.RETURNED, ReportState.FINAL, ReportState.AMENDED)
    assert bool(spec.reviewer) == reviewed
    if reviewed:
        assert roles[spec.reviewer].role == "reviewer"
        assert roles[spec.reviewer].institution == spec.institution
    assert not spec.printed or spec.report in (ReportState.FINAL, ReportState.AMENDED)


@pytest.mark.parametrize("hour", [0, 7, 23])
def test_nothing_has_happened_in_the_future_and_steps_are_in_order(hour: int) -> None:
    now = datetime(2026, 11, 24, hour, 5)
    for spec in STUDIES:
        steps = timeline(spec, now)
        known = [t for t in (steps.studied, steps.written, steps.reviewed, steps.printed) if t]
        assert known == sorted(known)
        assert known[-1] <= now
        assert (now.date() - steps.studied.date()).days == spec.days_ago


def test_a_moment_with_a_zone_counts_in_the_alliance_s_own_time() -> None:
    utc = datetime(2026, 11, 23, 23, 5, tzinfo=UTC)  # seven in the morning of the 24th there
    spec = BY_KEY["JN1-003"]
    assert timeline(spec, utc) == timeline(spec, datetime(2026, 11, 24, 7, 5))


@pytest.mark.parametrize("spec", one_of_each_recipe(), ids=lambda s: s.images.recipe)
def test_every_synthetic_image_says_so_and_reads_back(spec: StudySpec) -> None:
    data = dcmread(io.BytesIO(stored(first(spec))))
    assert data.SyntheticData == "YES"
    assert data.ImageType[0] == "DERIVED"
    assert data.BurnedInAnnotation == "NO"
    assert data.ImageComments == data.PatientComments == COMMENT
    assert data.SeriesDescription.endswith("SYNTHETIC")
    assert data.PatientName == spec.patient.name
    assert data.PatientID == spec.patient.id
    assert data.StudyInstanceUID == study_uid(spec)
    assert data.StudyInstanceUID.is_valid
    assert data.Modality == spec.modality
    assert data.AccessionNumber == spec.accession
    pixels = data.pixel_array
    assert pixels.shape[-2:] == (data.Rows, data.Columns)
    assert pixels.max() > pixels.min()


@pytest.mark.parametrize("key", ["JN1-017", "JN1-020", "QH2-009"])
def test_the_same_bytes_every_time(key: str) -> None:
    def digest() -> str:
        return hashlib.sha256(b"".join(stored(data) for data in build(BY_KEY[key], NOW))).hexdigest()

    assert digest() == digest()


def test_chest_ct_is_a_whole_volume_with_a_second_compressed_series() -> None:
    levels: dict[int, list[float]] = {1: [], 2: []}
    for data in build(BY_KEY["JN1-001"], NOW):
        assert (data.Rows, data.Columns) == (512, 512)
        levels[data.SeriesNumber].append(float(data.ImagePositionPatient[2]))
        assert (data.file_meta.TransferSyntaxUID == RLELossless) == (data.SeriesNumber == 2)
        assert ("ContrastBolusAgent" in data) == (data.SeriesNumber == 2)
    assert [len(z) for z in levels.values()] == [128, 64]
    assert all(round(a - b, 3) == 2.5 for a, b in zip(levels[1], levels[1][1:], strict=False))


def test_brain_planes_share_a_frame_and_cross_in_the_head() -> None:
    planes = {}
    for data in build(BY_KEY["JN1-005"], NOW):
        planes.setdefault(data.SeriesNumber, data)
    axial, sagittal = planes[1], planes[2]
    assert axial.FrameOfReferenceUID == sagittal.FrameOfReferenceUID
    assert list(axial.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert list(sagittal.ImageOrientationPatient) == [0, 1, 0, 0, 0, -1]


@pytest.mark.parametrize("spec", [s for s in STUDIES if s.images.recipe == "wheel"], ids=lambda s: s.key)
def test_published_files_keep_their_pixels_and_lose_their_patient(spec: StudySpec) -> None:
    from pydicom.data import get_testdata_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some published files bend the standard: that is what they are for
        for name, data in zip(spec.images.files, build(spec, NOW), strict=True):
            original = dcmread(str(get_testdata_file(name, download=False)))
            again = dcmread(io.BytesIO(stored(data)))
            assert again.PixelData == original.PixelData
            assert again.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
            assert again.PatientName == spec.patient.name
            assert again.StudyInstanceUID == study_uid(spec)
            assert (
                again.SOPInstanceUID == again.file_meta.MediaStorageSOPInstanceUID != original.SOPInstanceUID
            )


def test_every_recipe_of_the_catalogue_exists() -> None:
    assert {spec.images.recipe for spec in SYNTHETIC} == set(RECIPES)
