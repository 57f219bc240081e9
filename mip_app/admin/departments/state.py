"""The departments as one tab has them open."""

from typing import Any

import reflex as rx

from mip_app.accounts import departments
from mip_app.accounts.departments import DepartmentRow
from mip_app.accounts.entries import form_of
from mip_app.admin.trying import Refusal
from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.gate import event
from mip_app.core.logs import note


class Departments(Refusal, rx.State):
    phase: str = "loading"  # loading, ready, failed
    failure: str = ""  # its number, when failed
    rows: list[DepartmentRow] = []

    mode: str = ""  # add, rename, delete; '' is closed
    name: str = ""  # of the one that is renamed or deleted

    _key: str = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def load(self) -> None:
        await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def open(self, mode: str, key: str) -> None:
        names = {row["key"]: row["name"] for row in self.rows}
        if mode in ("add", "rename", "delete") and (mode == "add" or key in names):
            self.mode, self._key, self.name = mode, str(key), names.get(key, "")
            self._forgive()

    @event(Permission.ADMIN_ACCOUNTS)
    async def close(self) -> None:
        self.mode = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def submit(self, sent: dict[str, Any]) -> None:
        name = form_of(sent).get("department", "")
        asked = {"add": (departments.add, name), "rename": (departments.rename, self._key, name)}
        if self.mode in asked and await self._tried(*asked[self.mode]):
            await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def turn(self, key: str, disabled: bool) -> None:
        await self._do(departments.set_disabled, str(key), disabled is True)

    @event(Permission.ADMIN_ACCOUNTS)
    async def delete(self) -> None:
        if self.mode == "delete":
            await self._do(departments.delete, self._key)

    async def _do(self, service: Any, *given: Any) -> None:
        done = await self._tried(service, *given)
        self.mode, self.wrong = "", ""
        if done:
            await self._show()

    async def _show(self) -> None:
        try:
            self.rows = await looking(departments.listed)
        except Exception as error:  # said in the page, which offers to try again
            self.phase, self.failure = "failed", note(error)
            return
        self.phase, self.mode = "ready", ""
        self._forgive()
