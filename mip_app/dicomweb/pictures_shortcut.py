"""Thumbnails and pictures of series and instances, answered in front of the framework: a page asks for fifty at once.

Pictures of studies and of single frames are left to the routes of `rendering_api.py`, as is what may not be seen.
"""

import asyncio
import re

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mip_app.core.actor import Actor, Permission
from mip_app.core.database import read
from mip_app.core.errors import MipError
from mip_app.core.http import error_answer
from mip_app.core.keeping import Kept
from mip_app.core.shortcut import Find, acting
from mip_app.dicomweb import locating, rendering_api
from mip_app.dicomweb.locating import ROOT, Located
from mip_app.dicomweb.places import SeriesNow
from mip_app.dicomweb.seen import SeenSeries

ITEMS_BYTES = 16 << 20
_UID = "([0-9.]{1,64})"
_PATH = re.compile(rf"{ROOT}/studies/{_UID}/series/{_UID}(?:/instances/{_UID})?/(thumbnail|rendered)")


class PicturesShortcut:
    """Implements `core.shortcut.Shortcut`. `find` tells who is asking, as of a moment ago."""

    def __init__(self, find: Find) -> None:
        self.find = find
        self.seen = SeenSeries()
        self.items: Kept[tuple[SeriesNow, str], Located] = Kept(ITEMS_BYTES)

    def takes(self, scope: Scope) -> bool:
        return scope["method"] == "GET" and _PATH.fullmatch(scope["path"]) is not None

    async def answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> bool:
        actor, asked = acting(scope, Permission.STUDY_READ), _PATH.fullmatch(scope["path"])
        if actor is None or asked is None:
            return False
        study, series, instance, what = asked.groups(default="")
        request = Request(scope, receive)
        try:
            now = await self.seen.now(actor, study, series)
            if now is None:
                return False
            if what == "thumbnail":
                item = await self._item(actor, now, study, series, instance)
                found = await rendering_api.thumbnail_of(request, item)
            else:
                wish = rendering_api.wish(request, headers.get("accept", "*/*"))
                item = await self._item(actor, now, study, series, instance)
                found = await rendering_api.picture_of(request, study, item, wish)
        except MipError as error:
            found = error_answer(request, error)
        await found(scope, receive, send)
        return True

    async def _item(
        self, actor: Actor, now: SeriesNow, study: str, series: str, instance: str
    ) -> Located | None:
        """What stands for a series is found once for as long as the series stays as it is. Raises NotVisible."""
        found = self.items.get((now, instance))
        if found is None:
            found = await asyncio.to_thread(read, locating.representative, actor, study, series, instance)
            if found is not None:
                self.items.put((now, instance), found, 1000 + len(found.frames))
        return found
