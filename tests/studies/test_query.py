"""Searching: the rules by themselves, and what is found in either database."""

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mip_app.accounts.models import Role
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.core.errors import Invalid, NotPermitted
from mip_app.ingest.service import take_in
from mip_app.studies.query import ALL, Asked, Found, Level, find, names, rows, values
from tests.images import Made, study

LETTERS = st.text(st.sampled_from("abAB é^ 王小明=*?%_/["), max_size=12)


def test_dates_and_times_are_ranges_with_both_ends() -> None:
    day = date(2024, 1, 5)
    assert values.dates("20240105") == values.Dates(day, day) == values.dates("2024.01.05")
    assert values.dates("20240105-") == values.Dates(day, None)
    assert values.dates("-20240105") == values.Dates(None, day)
    assert values.dates("20240101-20240105") == values.Dates(date(2024, 1, 1), day)
    # An hour is all of its minutes, at the beginning and at the end.
    assert values.times("10") == values.Times("10", "105959.999999")
    assert values.times("1000-") == values.Times("1000", "")
    assert values.times("-10:30") == values.Times("", "103059.999999")
    for wrong in ("2024", "20241301", "-", "20240105-x", "20240101-20240102-20240103"):
        with pytest.raises(Invalid):
            values.dates(wrong)
    for wrong in ("25", "1", "1061", "-", "10-x"):
        with pytest.raises(Invalid):
            values.times(wrong)


def test_a_list_of_uids_is_parted_by_commas_or_backslashes() -> None:
    assert values.uids("1.2,3.4") == values.uids("1.2\\3.4") == ("1.2", "3.4")
    for wrong in (",", "1.2,x", "1.*", "1" * 65):
        with pytest.raises(Invalid):
            values.uids(wrong)


def reference(name: str, value: str) -> bool:
    """What a pattern means, said another way: a regular expression over the folded groups."""
    return all(re.search(_regex(pattern.like), name, re.DOTALL) for pattern in names.name_patterns(value))


def _regex(like: str) -> str:
    """LIKE as an expression."""
    parts = re.findall(r"/.|.", like, re.DOTALL)
    said = {"%": ".*", "_": "."}
    return "^" + "".join(said.get(part) or re.escape(part[-1]) for part in parts) + "$"


@given(LETTERS, LETTERS)
def test_the_keys_of_a_name_miss_nothing_that_its_pattern_finds(name: str, value: str) -> None:
    folded = names.folded(name)
    tails = names.tails(folded, "")
    for pattern in names.name_patterns(value):
        found = re.search(_regex(pattern.like), folded, re.DOTALL) is not None
        if pattern.probe:
            led = any(tail.startswith(pattern.probe) for tail in tails)
            assert led or not found
            assert found or not (led and pattern.whole)


@given(st.text(st.sampled_from("abc012 -_"), max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_an_id_is_found_by_any_part_of_it(patient_id: str, start: int, length: int) -> None:
    part = patient_id[start : start + length].strip()
    probe = names.id_pattern(f"*{part}*").probe
    if part and probe:
        assert any(tail.startswith(probe) for tail in names.tails("=", patient_id))


@pytest.mark.parametrize(
    ("value", "name", "is_found"),
    [
        ("王", "Wang^Xiaoming=王^小明", True),
        ("*王*", "Wang^Xiaoming=王^小明", True),
        ("王^小明", "王小明", True),
        ("王小明", "王^小明", True),
        ("王^小", "王^小明", False),
        ("*小明", "王^小明", True),
        ("小*", "王^小明", False),
        ("wang*", "WANG^XIAOMING=王^小明", True),
        ("Wang", "WANG^XIAOMING=王^小明", True),
        ("Wan", "WANG^XIAOMING=王^小明", False),
        ("SMITH^J*", "Smith^John", True),
        ("SMITH^J*", "Smith^Bob^J", False),
        ("müller", "MULLER^Jörg", True),
        ("MULLER^JORG", "Müller^Jörg", True),
        ("sm?th^*", "SMITH^John", True),
        ("sm?th^*", "SMYTHE^John", False),
        ("*john", "Smith^John", True),
        ("*joh", "Smith^John", False),
        ("wang=王", "Wang^Xiaoming=王^小明", True),
        ("li=王", "Wang^Xiaoming=王^小明", False),
        ("100%", "100^John", False),
    ],
)
def test_person_names(value: str, name: str, is_found: bool) -> None:
    assert reference(names.folded(name), value) is is_found


class Archive:
    """Studies of one institution, made by the day; and one that is another's."""

    def __init__(self, actor: Callable[..., Actor], qh2: int) -> None:
        self.reader = actor(Role.REPORTER)
        self.technician = actor(Role.TECHNICIAN)
        self.other = actor(Role.TECHNICIAN, institution=qh2)

    def take(self, *sets: Any, by: Actor | None = None) -> None:
        outcomes = take_in(by or self.technician, [Made(data) for data in sets])
        assert {outcome.kind for outcome in outcomes} == {"stored"}

    def find(self, level: Level = Level.STUDY, more: Any = None, **match: str) -> Found:
        asked = Asked(level, {tag.lstrip("t"): value for tag, value in match.items()}, **(more or {}))
        return database.read(find, self.reader, asked)

    def accessions(self, **match: str) -> list[str]:
        return [row["00080050"]["Value"][0] for row in self.find(**match).rows]


@pytest.fixture
def archive(actor: Callable[..., Actor], qh2: int) -> Archive:
    made = Archive(actor, qh2)
    people = (
        ("WANG^Xiaoming=王^小明", "P001", "20240105", "100000", "CT"),
        ("WANG^Fang=王^芳", "P002", "20240106", "083000", "MR"),
        ("SMITH^John", "P003", "20240107", "180000", "CT"),
        ("Müller^Jörg", "p003", "20240107", "180001", "XA"),
    )
    for n, (name, patient, day, at, modality) in enumerate(people, 1):
        series = study(name, patient, 1, day, StudyTime=at, AccessionNumber=f"A{n}", Modality=modality)
        made.take(*series)
    made.take(*study("WANG^Other=王^他", "P001", 1, "20240106", AccessionNumber="X"), by=made.other)
    return made


def test_what_a_study_is_found_by(archive: Archive) -> None:
    assert archive.accessions() == ["A4", "A3", "A2", "A1"]  # newest first, and never the other institution's
    assert archive.accessions(t00100010="*王*") == ["A2", "A1"]
    assert archive.accessions(t00100010="mull*") == ["A4"]
    assert archive.accessions(t00100020="P003") == ["A3"]  # IDs heed case
    assert archive.accessions(t00100020="*00?") == ["A4", "A3", "A2", "A1"]
    assert archive.accessions(t00100020="P*") == ["A3", "A2", "A1"]
    assert archive.accessions(t00080050="A1") == ["A1"]
    assert archive.accessions(t00080050="a*") == []
    assert archive.accessions(t00080020="20240106-") == ["A4", "A3", "A2"]
    assert archive.accessions(t00080020="20240106", t00080061="MR") == ["A2"]
    assert archive.accessions(t00080061="CT\\XA") == ["A4", "A3", "A1"]
    assert archive.accessions(t00080061="C?") == ["A3", "A1"]
    assert archive.accessions(t00080061="CT", t00100010="*wang*") == ["A1"]
    assert archive.accessions(t00080030="18-") == ["A4", "A3"]
    # Both as one range: from ten on the fifth until six on the seventh, half past eight in between included.
    assert archive.accessions(t00080020="20240105-20240107", t00080030="100000-180000") == ["A3", "A2", "A1"]
    assert archive.accessions(t00100040="M", t00100030="19680305") == ["A4", "A3", "A2", "A1"]
    assert archive.accessions(t00081030="*平扫") == ["A4", "A3", "A2", "A1"]
    assert archive.accessions(t00100010="xm") == []


def test_fuzzy_finds_names_by_pinyin_and_initials(archive: Archive) -> None:
    archive.take(*study("欧阳^娜", "P009", 1, "20240101", AccessionNumber="A9"))
    for heard in ("ouyang", "oyn", "欧阳"):
        found = archive.find(more={"fuzzy": True}, t00100010=heard)
        assert [row["00080050"]["Value"] for row in found.rows] == [["A9"]], heard
    assert archive.accessions(t00100010="ouyang") == []


def test_pages_do_not_overlap_and_say_whether_there_are_more(archive: Archive) -> None:
    pages = [archive.find(more={"limit": 3, "offset": offset}) for offset in (0, 3)]
    assert [row["00080050"]["Value"][0] for page in pages for row in page.rows] == ["A4", "A3", "A2", "A1"]
    assert [page.more for page in pages] == [True, False]
    with pytest.raises(Invalid, match="too_far"):
        archive.find(more={"offset": 10_001})


def test_keys_of_higher_levels_narrow_lower_ones_and_those_of_lower_ones_are_named(archive: Archive) -> None:
    series = archive.find(Level.SERIES, t00100010="smith*").rows
    assert [row["00080060"]["Value"] for row in series] == [["CT"]]
    uid = series[0]["0020000E"]["Value"][0]
    (instance,) = archive.find(Level.INSTANCE, t0020000E=uid).rows
    assert (instance["00280010"]["Value"], instance["00280100"]["Value"]) == ([128], [16])
    assert len(archive.find(Level.INSTANCE, t00080020="20240107").rows) == 2
    found = archive.find(t00080018="1.2.3", t00200011="1")
    assert set(found.ignored) == {"00080018", "00200011"}
    assert len(found.rows) == 4


def test_patients_are_those_with_a_study_to_be_seen(archive: Archive) -> None:
    rows = archive.find(Level.PATIENT, t00100010="*王*").rows
    assert [row["00100020"]["Value"] for row in rows] == [["P002"], ["P001"]]
    assert rows[1]["00100010"]["Value"] == [{"Alphabetic": "WANG^Xiaoming", "Ideographic": "王^小明"}]


def test_attributes_beyond_the_columns_come_from_a_header(archive: Archive) -> None:
    (plain,) = archive.find(t00080050="A1").rows
    assert "00080080" not in plain and "00101030" not in plain
    (asked,) = archive.find(more={"include": frozenset({"00101030"})}, t00080050="A1").rows
    assert asked["00101030"]["vr"] == "DS"
    (series,) = archive.find(Level.SERIES, more={"include": ALL}, t00080050="A1").rows
    assert series["00080070"]["Value"] == ["GE MEDICAL SYSTEMS"]
    assert "00200013" not in series  # an instance's


def test_who_may_not_read_studies_finds_nothing(archive: Archive) -> None:
    with pytest.raises(NotPermitted):
        database.read(find, archive.technician.__class__(None, "x", 1, frozenset()), Asked(Level.STUDY))


@pytest.mark.parametrize(
    "text", ["", "CT", "CT\\MR", 'a "word"\\', "王^小明=ワン", "=张^三", "study:7", "\x1b\u2028<é>"]
)
def test_a_row_written_as_text_is_the_row(text: str) -> None:
    asked = Asked(Level.INSTANCE, include=ALL)
    columns = rows.columns_of(asked)
    known = {"DA": date(987, 1, 5), "IS": 0, "US": 512}
    for held in ([known.get(column.vr, text) for column in columns], [None] * len(columns)):
        assert json.loads(rows.writer(columns)(held)) == rows.row(asked, columns, held)
