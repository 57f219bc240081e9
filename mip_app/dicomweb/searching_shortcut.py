"""QIDO-RS answered in front of the framework, which costs more than most searches do.

XML, and whatever is refused or cannot be meant, are left to the routes of `searching.py`.
"""

import re

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from mip_app.core.actor import Permission
from mip_app.core.errors import MipError
from mip_app.core.shortcut import Find, acting
from mip_app.dicomweb import accepting, query, searching
from mip_app.dicomweb.metadata import ROOT
from mip_app.dicomweb.query import SERIES, STUDY
from mip_app.dicomweb.store import DICOM_JSON
from mip_app.studies.query import Level

_UID = "([0-9.]{1,64})"
_PATH = re.compile(rf"{ROOT}(?:/studies/{_UID}(?:/series/{_UID}(?=/instances))?)?/(studies|series|instances)")
_LEVELS = {"studies": Level.STUDY, "series": Level.SERIES, "instances": Level.INSTANCE}


class SearchingShortcut:
    """Implements `core.shortcut.Shortcut`. `find` tells who is asking, as of a moment ago."""

    def __init__(self, find: Find) -> None:
        self.find = find

    def takes(self, scope: Scope) -> bool:
        return scope["method"] == "GET" and _asked(scope["path"]) is not None

    async def answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> bool:
        actor, asked = acting(scope, Permission.STUDY_READ), _asked(scope["path"])
        if actor is None or asked is None:
            return False
        level, path = asked
        given = QueryParams(scope["query_string"])
        root = searching.root_of(scope["scheme"], headers.get("host", ""))
        packed = "gzip" in headers.get("accept-encoding", "")
        try:
            wishes = accepting.wishes(headers.get("accept", ""), given.get("accept", ""))
            if accepting.data_sets(wishes) != DICOM_JSON:
                return False
            wanted = query.parse(level, given.multi_items(), path)
            found = await searching.looked(query.answer, wanted, path, root, packed)
            await searching.written_down(wanted, path)
        except MipError:  # nothing was sent: the route says it in its words
            return False
        await searching.as_json(found)(scope, receive, send)
        return True


def _asked(address: str) -> tuple[Level, dict[str, str]] | None:
    """What is searched for, and below what."""
    found = _PATH.fullmatch(address)
    if found is None:
        return None
    study, series, what = found.groups()
    if what == "studies" and study:
        return None
    path = {tag: uid for tag, uid in ((STUDY, study), (SERIES, series)) if uid}
    return _LEVELS[what], path
