"""The printed report: the reviewed text, signed by name and time, and the record that it was printed."""

import io

import pytest
from PIL import Image
from sqlmodel import Session, select

from mip_app.accounts import portraits
from mip_app.accounts.models import Institution
from mip_app.accounts.pictures import Kind
from mip_app.core import database
from mip_app.core.blobs import blobs
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.reports import printing, signing, writing
from mip_app.reports.fonts import fonts_folder
from mip_app.reports.models import PrintRecord
from mip_app.reports.typesetting import typeset
from mip_app.studies.worklist import Filters, page
from tests.reports.conftest import FINDINGS, IMPRESSION, NOW


@pytest.fixture
def final(window, lin, zhou):
    writer, reviewer = window(lin), window(zhou)
    writer.take()
    writer.do(signing.sign, FINDINGS, IMPRESSION)
    reviewer.revision = reviewer.view()["text"]["revision"]
    reviewer.do(signing.review, FINDINGS, IMPRESSION)
    return reviewer


def test_what_is_on_the_sheet(final, study, chen, jn1) -> None:
    with Session(database.engine()) as session, session.begin():
        institution = session.get_one(Institution, jn1)
        institution.address, institution.phone = "人民路 1 号", "0571-12345"
    sheet = database.read(printing.sheet, chen, study, NOW)
    assert (sheet.institution, sheet.institution_address, sheet.institution_phone) == (
        "江南市第一人民医院",
        "人民路 1 号",
        "0571-12345",
    )
    assert (sheet.findings, sheet.impression, sheet.state, sheet.version) == (
        FINDINGS,
        IMPRESSION,
        "final",
        2,
    )
    assert [(s.role, s.name, s.time) for s in sheet.signatures] == [
        ("报告医师", "林望舒", "2026-11-24 14:31"),
        ("审核医师", "周知白", "2026-11-24 14:31"),
    ]
    assert (sheet.patient_id, sheet.print_time) == ("1CT1", "2026-11-24 14:31")


def test_printing_is_recorded_and_the_list_shows_when(final, study, chen) -> None:
    database.write(printing.record, chen, study, NOW)
    with Session(database.engine()) as session:
        row = session.exec(select(PrintRecord)).one()
    assert (row.version, row.by, row.at) == (2, "陈素", NOW)
    (line,) = database.read(page, chen, Filters()).rows
    assert line["printed"].endswith("11-24 14:31")


def test_a_preview_records_nothing(final, study, chen) -> None:
    database.read(printing.sheet, chen, study)
    with Session(database.engine()) as session:
        assert session.exec(select(PrintRecord)).all() == []


def test_drafts_print_for_those_who_read_drafts_as_drafts(window, lin, chen, study) -> None:
    writer = window(lin)
    with pytest.raises(printing.NothingToPrint):
        database.write(printing.record, lin, study)
    writer.take()
    writer.do(writing.save, FINDINGS, IMPRESSION)
    writer.take()
    writer.do(writing.autosave, FINDINGS + "未保存")
    sheet = database.read(printing.sheet, lin, study)
    assert (sheet.findings, sheet.state) == (FINDINGS, "draft")  # what was saved, not what is being typed
    for act in (printing.record, printing.sheet):
        with pytest.raises(printing.NothingToPrint):
            database.write(act, chen, study)


def test_an_amendment_under_way_prints_the_text_in_effect(final, study) -> None:
    final.fence = final.do(signing.amend, reason="左右笔误").fence
    final.do(writing.save, FINDINGS, "半途的意见")
    sheet = database.read(printing.sheet, final.who, study)
    assert (sheet.impression, sheet.state) == (IMPRESSION, "final")
    final.take()
    final.revision = final.view()["text"]["revision"]
    final.do(signing.review, FINDINGS, "修订后的意见")
    sheet = database.read(printing.sheet, final.who, study)
    assert (sheet.impression, sheet.state, sheet.amendment_note) == ("修订后的意见", "amended", "左右笔误")


def test_who_may_not(final, study, outsider, ingest, actor) -> None:
    from mip_app.accounts.models import Role

    for act in (printing.record, printing.sheet):
        with pytest.raises(NotVisible):
            database.write(act, outsider, study)
        with pytest.raises(NotPermitted):
            database.write(act, actor(Role.TECHNICIAN), study)


def test_the_handwriting_on_a_report_is_that_of_the_day_it_was_signed(window, lin, zhou) -> None:
    def signs_like(who, width: int) -> bytes:
        out = io.BytesIO()
        Image.new("RGBA", (width, 20), (0, 0, 0, 255)).save(out, "PNG")
        database.write(portraits.set_own, who, Kind.SIGNATURE, portraits.stored(out.getvalue()))
        return out.getvalue()

    then = signs_like(lin, 60)
    window_of_lin = window(lin)
    window_of_lin.take()
    window_of_lin.do(signing.sign, FINDINGS, IMPRESSION)
    signs_like(lin, 90)
    first, second = database.read(printing.sheet, zhou, window_of_lin.study_uid).signatures
    assert (first.name, first.image) == ("林望舒", then)
    assert second.image is None
    assert (
        typeset(database.read(printing.sheet, zhou, window_of_lin.study_uid), fonts_folder())[:5] == b"%PDF-"
    )


def test_the_institutions_logo_stands_at_its_head(final, study, chen, jn1) -> None:
    png = b"\x89PNG of this side's own drawing"
    blobs().put("institutions/1/logo.png", png)
    with Session(database.engine()) as session, session.begin():
        session.get_one(Institution, jn1).logo = "institutions/1/logo.png"
    assert database.read(printing.sheet, chen, study, NOW).logo == png
