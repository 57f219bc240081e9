"""The departments as one tab has them open."""

from typing import Any

import reflex as rx

from mip_app.accounts import departments
from mip_app.accounts.departments import DepartmentRow
from mip_app.accounts.entries import form_of
from mip_app.admin.trying import Listed
from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.gate import event


class Departments(Listed, rx.State):  # modes: add, rename, delete
    rows: list[DepartmentRow] = []
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

    async def _look(self) -> None:
        self.rows = await looking(departments.listed)
