"""The list of doctors as one tab has it open."""

from datetime import date, timedelta
from typing import Any

import reflex as rx

from mip_app.accounts import doctors, staffing
from mip_app.accounts.doctors import Asked, Choice, Doctor
from mip_app.core.actor import Permission
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError
from mip_app.core.gate import event
from mip_app.core.logs import note

FILTERS = ("department", "role", "state")


class Doctors(rx.State):
    phase: str = "loading"  # loading, ready, failed
    trouble: str = ""  # its number, when failed
    rows: list[Doctor] = []
    total: int = 0
    new: int = 0
    number: int = 1  # of the first row
    more: bool = False
    today: str = ""
    yesterday: str = ""
    departments: list[Choice] = []
    roles: list[Choice] = []

    keyword: str = ""
    chosen: dict[str, str] = dict.fromkeys(FILTERS, "")
    cleared: int = 0  # rises when the fields have to be emptied from here
    selected: list[str] = []
    refused: str = ""  # why the last act on the selection was not done

    @event(Permission.ADMIN_ACCOUNTS)
    async def load(self) -> None:
        self.departments = await looking(doctors.departments_to_choose)
        self.roles = await looking(doctors.roles_to_choose)
        await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def search(self, keyword: str) -> None:
        self.keyword = str(keyword)[:64]
        await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def choose(self, name: str, value: str) -> None:
        if name in FILTERS:
            self.chosen = {**self.chosen, name: str(value)[:60]}
            await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def clear(self) -> None:
        self.keyword, self.chosen = "", dict.fromkeys(FILTERS, "")
        self.cleared += 1
        await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def next_page(self) -> None:
        if self.more and self.rows:
            await self._show(self.rows[-1]["account"], self.number + len(self.rows))

    @event(Permission.ADMIN_ACCOUNTS)
    async def previous_page(self) -> None:
        before = self.number - doctors.PAGE
        if before > 1 and self.rows:
            await self._show(self.rows[0]["account"], before, forward=False)
        else:
            await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def select(self, account: str) -> None:
        known = [row["account"] for row in self.rows]
        self.selected = [a for a in known if (a in self.selected) != (a == account)]

    @event(Permission.ADMIN_ACCOUNTS)
    async def select_page(self) -> None:
        known = [row["account"] for row in self.rows if not row["me"]]
        self.selected = [] if set(known) <= set(self.selected) else known

    @event(Permission.ADMIN_ACCOUNTS)
    async def select_none(self) -> None:
        self.selected, self.refused = [], ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def enable_selected(self) -> None:
        await self._set_disabled(self.selected, False)

    async def _set_disabled(self, accounts: list[str], disabled: bool) -> None:
        try:
            await changing(staffing.set_disabled, list(accounts), disabled)
        except MipError as error:
            self.refused = error.code
            return
        self.selected = []
        await self._again()

    async def _again(self) -> None:
        """The same page as it is now."""
        first = self.rows[0]["account"] if self.rows and self.number > 1 else ""
        await self._show(first, self.number, including=True) if first else await self._show()

    async def _show(
        self, beyond: str = "", number: int = 1, forward: bool = True, *, including: bool = False
    ) -> None:
        asked = Asked(self.keyword, **self.chosen)
        try:
            page = await looking(doctors.page, asked, beyond, forward, including)
            if not page.rows and number > 1:  # the last of them have gone meanwhile
                number, page = 1, await looking(doctors.page, asked)
        except Exception as error:  # said in the page, which offers to try again
            self.phase, self.trouble = "failed", note(error)
            return
        self.rows, self.total, self.new = page.rows, page.total, page.new
        self.number, self.more = number, page.more or not forward
        self.selected = [a for a in self.selected if a in {row["account"] for row in page.rows}]
        self._say_days(page.today)
        self.phase, self.refused = "ready", ""

    def _say_days(self, today: date) -> None:
        self.today, self.yesterday = today.isoformat(), (today - timedelta(days=1)).isoformat()


async def shown_again(state: rx.State) -> Any:
    """After another state changed somebody: the list shows it."""
    await (await state.get_state(Doctors))._again()
