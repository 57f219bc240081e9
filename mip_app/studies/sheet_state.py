"""The filter sheet of the phone: a draft of the filters, and how much it would find."""

from datetime import date

import reflex as rx

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.gate import event
from mip_app.studies import filters as ask
from mip_app.studies import worklist
from mip_app.studies.filters import Filters
from mip_app.studies.state import Studies, counted


class Sheet(rx.State):
    draft: dict[str, list[str]] = ask.said(Filters())
    found: str = ""

    _filters: Filters = Filters()
    _today: date = date.min

    @event(Permission.STUDY_READ)
    async def begin(self):
        studies = await self.get_state(Studies)
        self._filters, self._today = studies._filters, studies._today
        await self._count()

    @event(Permission.STUDY_READ)
    async def choose(self, group: str, value: str):
        self._filters = ask.chosen(self._filters, str(group), str(value), self._today)
        await self._count()

    @event(Permission.STUDY_READ)
    async def clear(self):
        self._filters = ask.cleared(self._filters)
        await self._count()

    @event(Permission.STUDY_READ)
    async def apply(self):
        studies = await self.get_state(Studies)
        return await studies._ask(self._filters)

    async def _count(self) -> None:
        self.draft = ask.said(self._filters)
        self.found = counted(await looking(worklist.count, self._filters))
