"""Finding: one search for every protocol that asks."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from sqlmodel import Session

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Invalid
from mip_app.studies.query import pages, rows
from mip_app.studies.query.asked import ALL, FURTHEST, Asked, Found, Json, Level
from mip_app.studies.query.attributes import BY_TAG, OF_SERIES, OF_STUDY, Attribute

_OF_REQUESTS = {"00400275.00400009", "00400275.00401001"}


@needs(Permission.STUDY_READ)
def find(session: Session, actor: Actor, asked: Asked) -> Found[Json]:
    """Raises Invalid for values that cannot be meant and for offsets beyond FURTHEST."""
    columns, found, more, ignored = _found(session, actor, asked)
    headers = _headers(session, asked, columns, found)
    made = [_row(asked, columns, values, headers.get(values[0])) for values in found]
    return Found(made, more, ignored)


@needs(Permission.STUDY_READ)
def find_text(session: Session, actor: Actor, asked: Asked, address: Callable[..., str]) -> Found[str]:
    """`find`, with rows as JSON text: to make objects of a page would be most of the work.

    Each row ends with its Retrieve URL (0008,1190), which `address` makes of its UIDs, from the study down.
    """
    columns, found, more, ignored = _found(session, actor, asked)
    headers = _headers(session, asked, columns, found)
    write = rows.writer(columns)
    places = [n for n, attribute in enumerate(columns, 1) if attribute.tag in rows.UIDS]
    lines = []
    for values in found:
        header = headers.get(values[0])
        text = rows.as_text(_row(asked, columns, values, header)) if header else write(values[1:])
        lines.append(rows.with_url(text, address(*(values[n] for n in places))))
    return Found(lines, more, ignored)


def _found(
    session: Session, actor: Actor, asked: Asked
) -> tuple[list[Attribute], Any, bool, tuple[str, ...]]:
    """Columns, their values behind the key of each row, whether there are more, and what did not narrow them."""
    if asked.offset > FURTHEST:
        raise Invalid("query.too_far")
    columns = rows.columns_of(asked)
    search, values, ignored = pages.searched(session, actor, asked, columns)
    found = session.execute(pages.statement(search), values).all()
    more = asked.limit is not None and len(found) > asked.limit
    return columns, found[: asked.limit], more, ignored


def _row(asked: Asked, columns: list[Attribute], values: Any, header: bytes | None) -> Json:
    made = rows.row(asked, columns, values[1:])
    if header:
        rows.from_header(asked, _opened(header), made)
    return made


def _headers(session: Session, asked: Asked, columns: list[Attribute], found: Any) -> dict[int, bytes]:
    """For what no column holds: the required rest of instances, requests of series, and what was asked for besides."""
    if asked.level is Level.INSTANCE:
        return {values[0]: values[-1] for values in found}
    if asked.level is Level.PATIENT or not found:
        return {}
    keys = [values[0] for values in found]
    known = OF_STUDY if asked.level is Level.STUDY else OF_SERIES
    tops = {path.partition(".")[0] for path in asked.include if path not in BY_TAG}
    if asked.include != ALL and not tops & known:
        keys = _with_requests(columns, found) if asked.level is Level.SERIES else []
    if not keys:
        return {}
    statement = (
        pages.first_headers_of_series if asked.level is Level.SERIES else pages.first_headers_of_studies
    )
    return dict(session.execute(statement(keys)).all())


def _with_requests(columns: list[Attribute], found: Any) -> list[int]:
    places = [n for n, attribute in enumerate(columns, 1) if attribute.tag in _OF_REQUESTS]
    return [values[0] for values in found if any(values[n] for n in places)]


def _opened(header: bytes) -> Json:
    opened: Json = json.loads(zlib.decompress(header))
    return opened
