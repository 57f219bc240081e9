"""The list of studies as one tab has it open: what it asks for, the page it shows, and how that page stays true.

The address holds the filters. A choice shows its result at once and then changes the address; Back and bookmarks
come in through `load`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from time import time

import reflex as rx

from mip_app.core import bus
from mip_app.core.actor import Permission, current_actor
from mip_app.core.database import looking
from mip_app.core.errors import NotPermitted, NotSignedIn
from mip_app.core.gate import event, renewed_actor
from mip_app.core.logs import note
from mip_app.studies import filters as ask
from mip_app.studies import worklist
from mip_app.studies.filters import Filters
from mip_app.studies.service import topic
from mip_app.studies.worklist import Place, Row

LOOK_EVERY = 30.0  # seconds; minutes of a lock, and its end, come by the clock alone
LOOK_AT_MOST = 1.0  # seconds between two looks, however much arrives


class Studies(rx.State):
    phase: str = "loading"  # loading, ready, failed
    trouble: str = ""  # its number, when failed

    chosen: dict[str, list[str]] = ask.said(Filters())  # the filters, by their names in the address
    narrowing: int = 0
    keyword: str = ""
    cleared: int = 0  # rises when the search field has to be emptied from here

    rows: list[Row] = []
    updates: dict[str, Row] = {}  # by study UID: rows that changed since they were shown
    minutes: dict[str, int] = {}  # by study UID: how long a report has been locked
    number: int = 1  # of the first row
    more: bool = False
    total: str = ""
    arrived: int = 0
    waiting: dict[str, int] = {}
    this_year: str = ""

    _filters: Filters = Filters()
    _places: list[Place] = []
    _top: list[int] = []  # the studies of the first page, as last seen
    _top_last: Place | None = None
    _today: date = date.min
    _showing: int = 0  # rises with each page shown, so that a look at another is dropped
    _moving: list[str] = []  # addresses on their way, whose choices are shown already

    @event(Permission.STUDY_READ)
    async def load(self):
        asked = ask.parse(self.router.url.query_parameters)
        if not self._moved_to(ask.address(asked)):
            same = replace(asked, keyword=self.keyword) == self._filters
            self._filters = replace(asked, keyword=self.keyword)
            if not same or self.number == 1 or self.phase != "ready":
                await self._show_top()
        return Studies.watch

    @event(Permission.STUDY_READ)
    async def choose(self, group: str, value: str):
        return await self._ask(ask.chosen(self._filters, str(group), str(value), self._today))

    @event(Permission.STUDY_READ)
    async def clear(self):
        self.keyword, self.cleared = "", self.cleared + 1
        return await self._ask(replace(ask.cleared(self._filters), keyword=""))

    @event(Permission.STUDY_READ)
    async def search(self, keyword: str):
        self.keyword = str(keyword)[:64]
        self._filters = replace(self._filters, keyword=self.keyword)
        await self._show_top()

    @event(Permission.STUDY_READ)
    async def show_top(self):
        await self._show_top()

    @event(Permission.STUDY_READ)
    async def next_page(self):
        if self.more and self._places:
            await self._show(self._places[-1], self.number + len(self._places))

    @event(Permission.STUDY_READ)
    async def previous_page(self):
        before = self.number - worklist.PAGE
        if before > 1 and self._places:
            await self._show(self._places[0], before, forward=False)
        elif self.number > 1:
            await self._show_top()

    @event(Permission.REPORT_WRITE)
    async def take_next(self):
        study = await looking(worklist.next_unwritten, self._filters)
        if study is None:
            return await self._ask(ask.chosen(self._filters, "view", ask.View.UNWRITTEN, self._today))
        return rx.redirect(f"/reports/{study}")

    @event(Permission.STUDY_READ, background=True, supersedes=True)
    async def watch(self):
        """Keep the rows on the screen true, and count what arrives before them."""
        async for _ in bus.changes(topic(current_actor()), every=LOOK_EVERY):
            try:
                await renewed_actor()
                await self._look_again()
            except (NotSignedIn, NotPermitted):
                return
            except (
                Exception
            ) as error:  # the database may be away for a while: look again with the next change
                note(error)
            await asyncio.sleep(LOOK_AT_MOST)

    async def _ask(self, filters: Filters):
        """Show what `filters` find, and say them in the address."""
        if filters == self._filters:
            return None
        moved = ask.address(filters) != ask.address(self._filters)
        self._filters = filters
        await self._show_top()
        if moved:
            self._moving = [*self._moving, ask.address(filters)]
            return rx.redirect("/studies" + ask.address(filters))
        return None

    def _moved_to(self, address: str) -> bool:
        """Whether this is only the browser following a choice; a quick hand makes several."""
        if address not in self._moving:
            self._moving = []
            return False
        self._moving = self._moving[self._moving.index(address) + 1 :]
        return bool(self._moving) or address == ask.address(self._filters)

    async def _show_top(self) -> None:
        await self._show(None, 1)

    async def _show(self, place: Place | None, number: int, forward: bool = True) -> None:
        self._say_filters()
        self._showing += 1
        try:
            page = await looking(worklist.page, self._filters, place, forward)
            if not forward and len(page.rows) < worklist.PAGE:  # fewer are left above than there were
                place, number, forward = None, 1, True
                page = await looking(worklist.page, self._filters)
            if place is not None and not page.rows:  # the last of them have gone meanwhile
                self.more = False
                return
            known = page.more or place is not None or not forward
            total = (await looking(worklist.count, self._filters)) if known else len(page.rows)
            self.waiting = await looking(worklist.waiting, self._filters)
        except Exception as error:  # said in the page, which offers to try again
            self.phase, self.trouble = "failed", note(error)
            return
        self.rows, self.updates, self._places = page.rows, {}, page.places
        self.minutes = _minutes(page.rows)
        self.number, self.more, self.total = number, page.more or not forward, counted(total)
        self.phase, self.trouble = "ready", ""
        self._today, self.this_year = page.today, str(page.today.year)
        if number == 1:
            self._top = [place.study for place in page.places]
            self._top_last = page.places[-1] if page.more and page.places else None
            self.arrived = 0

    async def _look_again(self) -> None:
        async with self:
            showing, filters, number = self._showing, self._filters, self.number
            studies, top, top_last = [p.study for p in self._places], list(self._top), self._top_last
        rows = await looking(worklist.rows_of, studies)
        waiting = await looking(worklist.waiting, filters)
        new = await looking(worklist.arrivals, filters, top, top_last)
        async with self:
            if showing != self._showing or self.phase != "ready":
                return
            if new and number == 1 and not studies:
                await self._show_top()
                return
            self._update(rows, waiting, len(new))

    def _update(self, rows: list[Row], waiting: dict[str, int], arrived: int) -> None:
        """Assign what changed: an assigned variable travels whole."""
        shown = {row["uid"]: self.updates.get(row["uid"], row) for row in self.rows}
        changed = {row["uid"]: row for row in rows if row != shown.get(row["uid"])}
        if changed:
            self.updates = {**self.updates, **changed}
        for name, value in (("minutes", _minutes(rows)), ("waiting", waiting), ("arrived", arrived)):
            if getattr(self, name) != value:
                setattr(self, name, value)

    def _say_filters(self) -> None:
        filters = self._filters
        self.narrowing = ask.narrowing(filters)
        self.chosen = ask.said(filters)


def _minutes(rows: Sequence[Row]) -> dict[str, int]:
    now = int(time())
    return {row["uid"]: max(0, now - row["since"]) // 60 for row in rows if row["holder"]}


def counted(number: int) -> str:
    """128, or 1,000+ from where counting stops."""
    return f"{number:,}+" if number >= worklist.COUNT_TO else str(number)
