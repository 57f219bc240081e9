"""What one institution grants another: seen wherever own studies are, as long as the grant lasts, and no further."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid
from sqlmodel import Session, col, select

from mip_app.accounts.models import Role
from mip_app.audit.models import Act, AuditEntry
from mip_app.core.actor import Actor, Permission
from mip_app.core.clock import utc_now
from mip_app.core.database import engine, read, write
from mip_app.core.errors import Invalid, MipError, NotPermitted, NotVisible
from mip_app.dicomweb import archive, locating, metadata, places
from mip_app.ingest.service import take_in
from mip_app.reports import holding, printing, service, signing, writing
from mip_app.reports.draft import Draft
from mip_app.studies import door, granted, grants, worklist
from mip_app.studies.filters import VIEWS, Filters, Sort, View
from mip_app.studies.grants import Verb, Wanted
from mip_app.studies.query import Asked, Level, find
from mip_app.studies.service import head
from tests.images import Made, study

WRITTEN = {"findings": "两肺清晰", "impression": "未见异常"}


class House:
    """JN1 has the studies; QH2 has 清河, who reads, and a colleague."""

    def __init__(self, actor: Callable[..., Actor], jn1: int, qh2: int) -> None:
        self.technician = actor(Role.TECHNICIAN)
        writer = actor(Role.REVIEWER, "何为")
        self.writer = replace(writer, permissions=writer.permissions | {Permission.STUDY_SHARE})
        self.qinghe = actor(Role.REVIEWER, "清河", qh2)
        self.colleague = actor(Role.REVIEWER, "同事", qh2)
        self.theirs = actor(Role.TECHNICIAN, institution=qh2)
        self.jn1, self.qh2 = jn1, qh2

    def take(self, *sets: pydicom.Dataset, by: Actor | None = None) -> str:
        outcomes = take_in(by or self.technician, [Made(data) for data in sets])
        assert {outcome.kind for outcome in outcomes} == {"stored"}
        return str(sets[0].StudyInstanceUID)

    def give(self, **wanted: Any) -> int:
        asked = {"to_institution": self.qh2, "reason": "会诊"} | wanted
        return write(grants.give, self.writer, Wanted(**asked))

    def withdraw(self, number: int) -> None:
        write(grants.withdraw, self.writer, number)


@pytest.fixture
def house(actor: Callable[..., Actor], jn1: int, qh2: int) -> House:
    return House(actor, jn1, qh2)


def listed(actor: Actor, **filters: Any) -> list[str]:
    return [row["uid"] for row in read(worklist.page, actor, Filters(**filters)).rows]


def searched(actor: Actor, level: Level = Level.STUDY, **match: str) -> list[str]:
    asked = Asked(level, {tag.lstrip("t"): value for tag, value in match.items()}, limit=100)
    return [row["0020000D"]["Value"][0] for row in read(find, actor, asked).rows]


def absent(actor: Actor, uid: str) -> bool:
    """Everywhere, as if there were nothing."""
    ways: list[Any] = [
        lambda: read(head, actor, uid),
        lambda: read(locating.instances, actor, uid),
        lambda: read(locating.representative, actor, uid),
        lambda: read(metadata.documents, actor, uid),
        lambda: read(archive.packed, actor, uid),
        lambda: read(service.look, actor, uid),
    ]
    for way in ways:
        try:
            way()
        except NotVisible:
            continue
        return False
    found = [*listed(actor), *listed(actor, keyword="张三"), *searched(actor, t0020000D=uid)]
    found += [*searched(actor), *searched(actor, Level.SERIES), *searched(actor, Level.INSTANCE)]
    return uid not in found


def test_a_granted_study_is_seen_wherever_own_ones_are_and_its_siblings_are_not(house: House) -> None:
    own = house.take(*study("LI^Si=李^四", "Q1", 1), by=house.theirs)
    images = study(patient_id="P1", slices=2, when="20261119", AccessionNumber="A7")
    uid, sibling = house.take(*images), house.take(*study(patient_id="P1", slices=1))
    assert absent(house.qinghe, uid)
    house.give(study_uid=uid)
    assert absent(house.qinghe, sibling)

    assert listed(house.qinghe) == [own, uid]
    (row,) = read(worklist.page, house.qinghe, Filters(keyword="张三")).rows
    assert (row["uid"], row["whose"], row["name"]) == (uid, "江南市第一人民医院", "张三")
    assert listed(house.qinghe, sort=Sort.PRINTED, newest_first=False)[::-1] == [own, uid]
    assert read(worklist.count, house.qinghe, Filters()) == 2
    assert searched(house.qinghe) == [own, uid]
    for match in (
        {"t00100010": "*三*"}, {"t00100020": "P1"}, {"t00080050": "A7"}, {"t0020000D": uid},
        {"t00080020": "20261119"}, {"t00080061": "CT", "t00080020": "20261119"},
    ):  # fmt: skip
        assert searched(house.qinghe, **match) == [uid], match
    series = str(images[0].SeriesInstanceUID)
    assert searched(house.qinghe, Level.SERIES, t0020000E=series) == [uid]
    assert searched(house.qinghe, Level.INSTANCE, t00080018=str(images[1].SOPInstanceUID)) == [uid]
    assert searched(house.qinghe, Level.INSTANCE, t00100020="P1") == [uid, uid]
    assert searched(house.qinghe, Level.SERIES) == [own, uid]

    assert read(head, house.qinghe, uid).whose == "江南市第一人民医院"
    now = read(places.series_now, house.qinghe, uid, series)
    assert now is not None and now.institution == house.jn1
    assert len(read(places.places, house.qinghe, now)) == 2
    assert read(metadata.documents, house.qinghe, uid) == read(metadata.documents, house.writer, uid)
    # A scanner or an archive of theirs has no part in it; the work of the day neither.
    assert searched(replace(house.qinghe, own_only=True)) == [own]
    assert listed(house.qinghe, statuses=VIEWS[View.UNWRITTEN].statuses) == [own]
    assert read(worklist.next_unwritten, house.qinghe, Filters()) == own


def test_what_is_withdrawn_or_over_is_absent_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = house.take(*study(slices=1))
    number = house.give(study_uid=uid)
    assert not absent(house.qinghe, uid)
    house.withdraw(number)
    assert absent(house.qinghe, uid)
    with pytest.raises(NotVisible):
        house.withdraw(number)

    house.give(study_uid=uid, until=utc_now() + timedelta(hours=1), verbs=[Verb.DOWNLOAD])
    longer = house.give(study_uid=uid, until=utc_now() + timedelta(hours=3))
    for hours, gone in ((0, False), (2, False), (4, True)):
        later = utc_now() + timedelta(hours=hours)
        for module in (door, granted):
            monkeypatch.setattr(module, "utc_now", lambda now=later: now)
        if gone:
            assert absent(house.qinghe, uid)
        else:
            assert listed(house.qinghe) == [uid] == searched(house.qinghe)
        with pytest.raises(MipError) if hours else _nothing():
            read(archive.packed, house.qinghe, uid)
    monkeypatch.undo()
    house.withdraw(longer)
    assert read(archive.packed, house.qinghe, uid).files  # the other one still counts


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def test_a_patient_is_granted_with_or_without_what_comes_later(house: House) -> None:
    first = house.take(*study(patient_id="P1", slices=1, when="20261101"))
    house.give(patient_id="P1", to_user=house.colleague.user_id)
    house.give(patient_id="P1", to_user=house.qinghe.user_id, future=True)
    later = study(patient_id="P1", slices=1, when="20261102")
    second = house.take(*later)
    assert listed(house.colleague) == [first]
    assert listed(house.qinghe) == [second, first]
    # A modality that it gets afterwards finds it, too.
    for data in later:
        data.SeriesInstanceUID, data.Modality = generate_uid(), "SR"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    house.take(*later)
    assert searched(house.qinghe, t00080061="SR") == [second]
    assert searched(house.colleague, t00080061="SR") == []


def test_a_persons_grant_is_not_their_colleagues(house: House) -> None:
    uid = house.take(*study(slices=1))
    house.give(study_uid=uid, to_user=house.qinghe.user_id)
    assert listed(house.qinghe) == [uid]
    assert absent(house.colleague, uid)
    key = Actor(None, "viewer", house.qh2, frozenset({Permission.STUDY_READ, Permission.REPORT_READ}))
    assert absent(key, uid)
    # Nor do they bring it where else they work.
    assert absent(replace(house.qinghe, institution_id=house.qh2 + 100), uid)
    house.give(study_uid=uid)
    assert listed(house.colleague) == [uid] == searched(key)


def test_a_verb_opens_what_the_role_allows_and_nothing_else_is_open(house: House) -> None:
    uid = house.take(*study(slices=1))
    draft = Draft(uid, **WRITTEN)
    house.give(study_uid=uid)
    refused: list[Any] = [
        lambda who: read(archive.packed, who, uid),
        lambda who: read(locating.originals, who, uid),
        lambda who: write(holding.take, who, draft),
        lambda who: write(writing.autosave, who, draft),
        lambda who: write(signing.sign, who, draft),
        lambda who: write(signing.review, who, draft),
        lambda who: write(holding.take_over, who, draft),
        lambda who: write(printing.record, who, uid),
        lambda who: read(printing.sheet, who, uid),
        lambda who: read(service.compare, who, uid, 0),
    ]
    for act in refused:
        with pytest.raises(NotPermitted):
            act(house.qinghe)

    # How far the report is, is told inside the institution; what it says when it is released.
    taken = write(holding.take, house.writer, draft)
    mine = replace(draft, fence=taken.fence, revision=taken.revision)
    assert write(signing.sign, house.writer, mine).ok
    view = read(service.look, house.qinghe, uid)
    assert (view["report"]["status"], view["report"]["can"], view["text"]["open"]) == ("none", [], False)
    (row,) = read(worklist.page, house.qinghe, Filters()).rows
    assert (row["status"], row["author"], row["holder"]) == ("none", "", "")
    assert write(signing.review, house.writer, draft).ok
    assert read(service.look, house.qinghe, uid)["text"]["findings"] == WRITTEN["findings"]
    assert listed(house.qinghe, statuses=("final",)) == [uid]
    with pytest.raises(NotPermitted):
        read(printing.sheet, house.qinghe, uid)

    house.give(study_uid=uid, verbs=list(Verb))
    assert len(read(archive.packed, house.qinghe, uid).files) == 1
    assert len(read(locating.originals, house.qinghe, uid)) == 1
    assert read(printing.sheet, house.qinghe, uid).institution == "江南市第一人民医院"
    clinician = replace(house.qinghe, permissions=frozenset({Permission.STUDY_READ}))
    for act in refused[2:]:
        with pytest.raises(NotPermitted):
            act(clinician)


def test_a_report_may_be_written_by_those_whom_a_grant_lets(house: House) -> None:
    uid = house.take(*study(slices=1))
    house.give(study_uid=uid, verbs=[Verb.REPORT])
    draft = Draft(uid, **WRITTEN)
    taken = write(holding.take, house.qinghe, draft)
    mine = replace(draft, fence=taken.fence, revision=taken.revision)
    assert write(signing.sign, house.qinghe, mine).ok
    (row,) = read(worklist.page, house.writer, Filters()).rows
    assert (row["status"], row["author"]) == ("preliminary", "清河")
    with pytest.raises(NotPermitted):  # reviewing stays with whose study it is
        write(signing.review, house.qinghe, draft)
    assert write(signing.review, house.writer, draft).ok


def test_under_one_uid_the_own_study_comes_first(house: House) -> None:
    images = study("WANG^Wu=王^五", "P5", 1)
    uid = house.take(*images)
    house.give(study_uid=uid, verbs=[Verb.DOWNLOAD])
    assert read(head, house.qinghe, uid).whose != ""
    for data in images:
        data.PatientName, data.StudyDescription = "LI^Si=李^四", "自己的"
    assert house.take(*images, by=house.theirs) == uid
    rows = read(worklist.page, house.qinghe, Filters()).rows
    assert [(row["uid"], row["whose"], row["description"]) for row in rows] == [(uid, "", "自己的")]
    assert searched(house.qinghe) == [uid] == searched(house.qinghe, Level.SERIES)
    assert searched(house.qinghe, t00100010="王*") == []
    assert read(head, house.qinghe, uid).name == "李四"
    (item,) = read(locating.instances, house.qinghe, uid)
    assert item.institution == house.qh2
    assert read(head, house.writer, uid).name == "王五"


def test_every_study_stands_once_in_one_order_however_often_it_is_granted(house: House) -> None:
    owned = [house.take(*study(slices=1, when=f"202611{n:02}"), by=house.theirs) for n in (1, 4, 7)]
    for n in (2, 3, 4, 6):
        uid = house.take(*study(patient_id="P1", slices=1, when=f"202611{n:02}"))
        owned.append(uid)
        for _ in range(2):
            house.give(study_uid=uid)
        house.give(study_uid=uid, to_user=house.qinghe.user_id)
    house.give(patient_id="P1", to_user=house.qinghe.user_id, future=True)
    house.give(patient_id="P1", future=True)
    whole = listed(house.qinghe)
    assert sorted(whole) == sorted(owned)
    assert searched(house.qinghe) == whole
    assert listed(house.qinghe, newest_first=False) == whole[::-1]
    place, walked = None, []
    for _ in range(4):
        page = read(worklist.page, house.qinghe, Filters(), place, True, 2)
        walked += [row["uid"] for row in page.rows]
        place = page.places[-1]
    assert walked == whole
    pages = [read(find, house.qinghe, Asked(Level.STUDY, {}, limit=2, offset=n)) for n in (0, 2, 4, 6)]
    assert [row["0020000D"]["Value"][0] for page in pages for row in page.rows] == whole
    assert [page.more for page in pages] == [True, True, True, False]


def test_only_own_studies_are_granted_and_only_within_the_alliance(house: House, jn1: int, qh2: int) -> None:
    from mip_app.accounts import opening

    uid = house.take(*study(slices=1))
    house.give(study_uid=uid, verbs=list(Verb))
    qinghe = replace(house.qinghe, permissions=house.qinghe.permissions | {Permission.STUDY_SHARE})
    with pytest.raises(NotVisible):  # nobody passes a grant on
        write(grants.give, qinghe, Wanted(to_institution=jn1, reason="转", study_uid=uid))
    with pytest.raises(NotVisible):
        write(grants.withdraw, qinghe, 1)
    assert read(grants.listed, qinghe) == []
    other = write(opening.open_alliance, opening.CONSOLE, "别的医联体")
    stranger = write(opening.open_institution, opening.CONSOLE, other, "X9", "别处")
    for wrong in (
        {"to_institution": stranger}, {"to_institution": jn1}, {"to_user": house.writer.user_id},
        {"reason": " "}, {"until": utc_now()}, {"patient_id": "P1"}, {"study_uid": ""},
    ):  # fmt: skip
        with pytest.raises(Invalid):
            house.give(**({"study_uid": uid} | wrong))
    with pytest.raises(NotPermitted):
        write(grants.give, house.qinghe, Wanted(to_institution=jn1, reason="转", study_uid=uid))


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_the_console_gives_lists_and_withdraws(house: House) -> None:
    from click.testing import CliRunner

    from mip_app.studies.command import grant

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(grant, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return str(done.output).strip()

    uid = house.take(*study(patient_id="P1", slices=1))
    number = run(
        *("give", "--institution", "JN1", "--to", "QH2", "--patient", "P1", "--future"),
        *("--verb", "download", "--until", f"{utc_now() + timedelta(days=2):%Y-%m-%d}", "--reason", "转诊"),
    )
    assert listed(house.qinghe) == [uid]
    one = run("list").split("\t")
    assert (one[:3], one[4], one[6], one[8]) == ([number, "JN1", "QH2"], "view,download", "active", "转诊")
    run("withdraw", number)
    assert absent(house.qinghe, uid)
    assert run("list").split("\t")[6] == "withdrawn"
    with pytest.raises(NotVisible):
        run("give", "--institution", "JN1", "--to", "QH2", "--study", "1.2.3", "--reason", "转诊")
    # The owner's trail knows, whoever acted in its place.
    with Session(engine()) as session:
        rows = session.exec(select(AuditEntry).where(col(AuditEntry.act).startswith("study.grant"))).all()
    assert [(row.act, row.scope) for row in rows] == [
        (Act.STUDY_GRANTED, f"i:{house.jn1}"),
        (Act.STUDY_GRANT_WITHDRAWN, f"i:{house.jn1}"),
    ]
