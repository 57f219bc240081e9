"""Which series an actor may see, as of a moment ago: asked a thousand times while one is opened."""

import asyncio
from functools import partial

from mip_app.core import bus
from mip_app.core.actor import Actor
from mip_app.core.database import read
from mip_app.core.keeping import AtOnce, Believed
from mip_app.dicomweb import places
from mip_app.dicomweb.places import SeriesNow

SECONDS, MOST = 1.0, 20_000


class SeenSeries:
    """Forgotten at once when something of an institution's studies changes, in whatever process."""

    def __init__(self) -> None:
        self._seen: Believed[tuple[object, ...], SeriesNow] = Believed(SECONDS, MOST)
        self._looking: AtOnce[tuple[object, ...], SeriesNow | None] = AtOnce()
        bus.hear(self._heard)

    async def now(self, actor: Actor, study: str, series: str) -> SeriesNow | None:
        key = (actor.institution_id, actor.user_id, actor.session_id, actor.name, study, series)
        if (found := self._seen.get(key)) is not None:
            return found
        since = self._seen.since
        make = partial(asyncio.to_thread, read, places.series_now, actor, study, series)
        found = await self._looking.made((since, *key), make)
        if found is not None:
            self._seen.put(key, found, since)
        return found

    def _heard(self, topic: str) -> None:
        if topic.startswith("studies:"):
            self._seen.forget()
