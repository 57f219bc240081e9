"""Files of people, as Excel and others write them, and as somebody who means harm does."""

import io
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from mip_app.accounts import lists
from mip_app.core.errors import MipError

ROWS = [["账号", "姓名"], ["lin", "林望舒"], ["ji", "𠮷野"], ["ayi", "阿依古丽·买买提江"]]


def csv_of(separator: str = ",") -> str:
    return "\r\n".join(separator.join(row) for row in ROWS) + "\r\n"


def workbook(rows: list[list[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(data: bytes, name: str, text: bytes) -> bytes:
    """The workbook with another text of one of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, text if entry.filename == name else old.read(entry))
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        csv_of().encode(),
        csv_of().encode("utf-8-sig"),
        csv_of().encode("gb18030"),
        csv_of().encode("utf-16"),
        csv_of(";").encode(),
        csv_of("\t").encode("gb18030"),
        ("sep=;\r\n" + csv_of(";")).encode(),
        ("sep=\t\r\n" + csv_of("\t")).encode("utf-8-sig"),
        workbook(ROWS),
    ],
    ids=["utf-8", "with a mark", "gb18030", "utf-16", "semicolon", "tab", "sep=", "sep=tab", "xlsx"],
)
def test_every_usual_form_reads_the_same(data: bytes) -> None:
    assert [cells for _, cells in lists.read(data)] == ROWS


def test_lines_keep_the_numbers_they_have_in_the_file() -> None:
    assert [number for number, _ in lists.read("sep=,\n账号,姓名\n\na,b\n".encode())] == [2, 4]
    assert [number for number, _ in lists.read(workbook([["账号"], [None], ["a"]]))] == [1, 3]


def test_numbers_of_a_workbook_are_read_as_written_and_formulas_are_not_calculated() -> None:
    read = lists.read(workbook([["手机", "姓名"], [13800000210, "=1+1"], [13800000211.0, None]]))
    assert [cells for _, cells in read[1:]] == [["13800000210", "=1+1"], ["13800000211"]]


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
SHEET = "xl/worksheets/sheet1.xml"
# 28 kB as a file, half a minute of a core as cells.
CELLS = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    + (b"<row>" + b"<c/>" * 200 + b"</row>") * 9_000
    + b"</sheetData></worksheet>"
)


@pytest.mark.parametrize(
    "data",
    [
        b"a\n" * 1_000_000,
        b"\n" * 1_900_000,
        b"x" * (lists.BYTES + 1),
        "账号,姓名\n".encode() + b"a,b\n" * (lists.LINES + 1),
        workbook([["a", "b"]] * (lists.LINES + 2)),
        changed(workbook(ROWS), SHEET, b"<worksheet>" + b" " * 200_000_000 + b"</worksheet>"),
        changed(workbook(ROWS), SHEET, BOMB),
        changed(workbook(ROWS), SHEET, b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>'),
        changed(workbook(ROWS), SHEET, CELLS),
        changed(workbook(ROWS), SHEET, b"no xml"),
        changed(workbook(ROWS), "xl/workbook.xml", b"<workbook/>"),
        workbook(ROWS)[:500],
        b"PK\x03\x04" + b"\0" * 100,
        b"\0\x01\x02\xff" * 50,
        b"\xff\xfe\x00",
        b'"' + b"x" * 200_000 + b'"',
    ],
    ids=[
        "a million lines", "a million empty lines", "too many bytes", "too many people", "too many rows",
        "zip bomb", "entity bomb", "row 1048576", "two million cells", "no xml", "no sheet", "cut", "no zip", "binary", "half a character",
        "endless cell",
    ],
)  # fmt: skip
def test_a_hostile_or_damaged_file_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(MipError) as refused:
        lists.read(data)
    assert refused.value.status in (400, 413)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "=cmd|'/C calc'!A0", "＝1+1", " =1+1", "\n=1+1"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_nothing_that_is_written_acts_as_a_formula(form: str) -> None:
    data = lists.written([FORMULAS, ["林望舒", "a,b", 'say "x"', "<script>"]], form)
    if form == "csv":
        first, second = (cells for _, cells in lists.read(data))
    else:
        sheet = load_workbook(io.BytesIO(data)).active
        assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}
        first, second = ([cell.value or "" for cell in row] for row in sheet.iter_rows())
    assert all(cell.startswith("'") for cell in first)
    assert second[:4] == ["林望舒", "a,b", 'say "x"', "<script>"]
