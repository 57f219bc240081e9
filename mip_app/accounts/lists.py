"""Lists of people as files: CSV and XLSX, read with distrust and written so that no cell acts as a formula.

Pure: bytes in, rows of texts out, and back.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from mip_app.core.errors import Invalid, TooLarge

BYTES = 2 << 20
UNPACKED = 12 << 20
ENTRIES = 200
ELEMENTS = 300_000  # of all XML in a workbook: it takes as long as it has cells, however small they pack
LINES = 2_000  # people
COLUMNS = 40
CELL = 200  # characters; more are cut, and then found too long
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_SEPARATORS = (",", ";", "\t", "，", "；")

Line = tuple[int, list[str]]  # its number in the file, and its cells


class Unreadable(Invalid):
    code = "import.unreadable"


def read(data: bytes) -> list[Line]:
    """The lines that are not empty. Raises Unreadable, TooLarge."""
    if len(data) > BYTES:
        raise TooLarge("import.too_large", limit=BYTES >> 20)
    lines = _xlsx(data) if data.startswith(b"PK\x03\x04") else _csv(data)
    kept: list[Line] = []
    for number, cells in lines:
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            kept.append((number, cells))
        if len(kept) > LINES + 1 or number > 5 * LINES:
            raise TooLarge("import.too_many", limit=LINES)
    return kept


def _csv(data: bytes) -> Iterator[Line]:
    text = _decoded(data)
    first, _, rest = text.partition("\n")
    lines_before = 0
    if first.strip().lower().startswith("sep=") and len(first.strip()) <= 5:
        separator, text, lines_before = first.rstrip("\r\n")[-1:], rest, 1
        separator = "\t" if separator == "=" else separator
    else:
        separator = max(_SEPARATORS, key=first.count) if first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for cells in reader:
            yield lines_before + reader.line_num, [_cell(cell) for cell in cells[:COLUMNS]]
    except csv.Error as error:
        raise Unreadable() from error


def _decoded(data: bytes) -> str:
    """UTF-8 with and without its mark, UTF-16 with it (Excel's "Unicode text"), else GB 18030."""
    codes = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for code in codes:
        try:
            text = data.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise Unreadable()


def _xlsx(data: bytes) -> Iterator[Line]:
    from openpyxl import load_workbook  # a fifth of a second of the start

    _check_archive(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(values_only=True, max_col=COLUMNS)
        for number, cells in enumerate(islice(rows, 5 * LINES + 1), 1):
            yield number, [_cell(cell) for cell in cells]
    except Exception as error:  # whatever a damaged or hostile workbook makes the library say
        raise Unreadable() from error


def _check_archive(data: bytes) -> None:
    """What a zip says of its sizes is all that is unpacked of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            small = len(entries) <= ENTRIES and sum(entry.file_size for entry in entries) <= UNPACKED
            elements = sum(_elements(archive.read(entry)) for entry in entries) if small else 0
    except Exception as error:  # as below
        raise Unreadable() from error
    if not small or elements > ELEMENTS:
        raise TooLarge("import.too_large", limit=BYTES >> 20)


def _elements(part: bytes) -> int:
    return part.count(b"<") - part.count(b"</")


def _cell(value: Any) -> str:
    """A cell as somebody reads it: a number without its .0, a moment as a date."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return str(value).strip()[: CELL + 1]


def harmless(text: str) -> str:
    """What a spreadsheet would take for a formula gets an apostrophe in front: it is text."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def written(rows: Iterable[Sequence[str]], form: str) -> bytes:
    """`form`: csv (UTF-8 with its mark, as Excel wants it) or xlsx."""
    safe = [[harmless(_printable(cell)) for cell in row] for row in rows]
    return _as_xlsx(safe) if form == "xlsx" else _as_csv(safe)


def _printable(text: str) -> str:
    # XML has no control characters, and a line break inside a cell helps nobody here.
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)


def _as_csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def _as_xlsx(rows: list[list[str]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for width, letter in zip((18, 16, 16, 18, 32, 18, 14, 20), "ABCDEFGH", strict=True):
        sheet.column_dimensions[letter].width = width
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
