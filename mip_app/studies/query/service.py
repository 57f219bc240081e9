"""Finding: one search for every protocol that asks."""

import json
import zlib
from typing import Any

from sqlmodel import Session

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Invalid
from mip_app.studies.query import pages, rows
from mip_app.studies.query.asked import ALL, FURTHEST, Asked, Found, Json, Level
from mip_app.studies.query.attributes import BY_TAG, OF_SERIES, OF_STUDY, Attribute

_OF_REQUESTS = {"00400275.00400009", "00400275.00401001"}


@needs(Permission.STUDY_READ)
def find(session: Session, actor: Actor, asked: Asked) -> Found:
    """Raises Invalid for values that cannot be meant and for offsets beyond FURTHEST."""
    if asked.offset > FURTHEST:
        raise Invalid("query.too_far")
    parts = pages.parts(session, actor, asked)
    columns = rows.columns_of(asked)
    # One more than asked for tells whether there are more.
    found = session.execute(_statement(session, actor, asked, parts, columns)).all()
    more = asked.limit is not None and len(found) > asked.limit
    found = found[: asked.limit]
    made = [rows.row(asked, columns, values[1:]) for values in found]
    _add_from_headers(session, asked, columns, found, made)
    return Found(made, more, tuple(parts[0].wanted.ignored))


def _statement(
    session: Session, actor: Actor, asked: Asked, parts: list[pages.Part], columns: list[Attribute]
) -> Any:
    limit = None if asked.limit is None else asked.limit + 1
    if asked.level is Level.PATIENT:
        return pages.patients(actor, parts[0].wanted, columns).limit(limit).offset(asked.offset)
    make = {Level.STUDY: pages.studies, Level.SERIES: pages.series, Level.INSTANCE: pages.instances}
    return make[asked.level](session, parts, columns, limit, asked.offset)


def _add_from_headers(
    session: Session, asked: Asked, columns: list[Attribute], found: Any, made: list[Json]
) -> None:
    """What no column holds: the required rest of instances, requests of series, and what was asked for besides."""
    if asked.level is Level.INSTANCE:
        for values, row in zip(found, made, strict=True):
            rows.from_header(asked, _opened(values[-1]), row)
        return
    if asked.level is Level.PATIENT or not found:
        return
    keys = [values[0] for values in found]
    known = OF_STUDY if asked.level is Level.STUDY else OF_SERIES
    tops = {path.partition(".")[0] for path in asked.include if path not in BY_TAG}
    if asked.include != ALL and not tops & known:
        keys = _with_requests(columns, found) if asked.level is Level.SERIES else []
    if not keys:
        return
    statement = (
        pages.first_headers_of_series if asked.level is Level.SERIES else pages.first_headers_of_studies
    )
    headers: dict[int, bytes] = dict(session.execute(statement(keys)).all())
    for values, row in zip(found, made, strict=True):
        if header := headers.get(values[0]):
            rows.from_header(asked, _opened(header), row)


def _with_requests(columns: list[Attribute], found: Any) -> list[int]:
    places = [n for n, attribute in enumerate(columns, 1) if attribute.tag in _OF_REQUESTS]
    return [values[0] for values in found if any(values[n] for n in places)]


def _opened(header: bytes) -> Json:
    opened: Json = json.loads(zlib.decompress(header))
    return opened
