"""The departments as one tab has them open."""

from typing import Any

import reflex as rx

from mip_app.accounts import departments
from mip_app.accounts.departments import DepartmentRow
from mip_app.core.actor import Permission
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError
from mip_app.core.gate import event
from mip_app.core.logs import note


class Departments(rx.State):
    phase: str = "loading"  # loading, ready, failed
    trouble: str = ""
    rows: list[DepartmentRow] = []
    said: str = ""  # why the last act was not done

    mode: str = ""  # add, rename, delete; '' is closed
    name: str = ""  # of the one that is renamed or deleted
    fault: str = ""  # what is wrong with the name typed
    serial: int = 0

    _key: str = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def load(self) -> None:
        await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def open(self, mode: str, key: str) -> None:
        names = {row["key"]: row["name"] for row in self.rows}
        if mode in ("add", "rename", "delete") and (mode == "add" or key in names):
            self.mode, self._key, self.name = mode, str(key), names.get(key, "")
            self.fault, self.said, self.serial = "", "", self.serial + 1

    @event(Permission.ADMIN_ACCOUNTS)
    async def close(self) -> None:
        self.mode = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def submit(self, sent: dict[str, Any]) -> None:
        name = str(sent.get("name", ""))[:200] if isinstance(sent, dict) else ""
        try:
            if self.mode == "rename":
                await changing(departments.rename, self._key, name)
            elif self.mode == "add":
                await changing(departments.add, name)
        except MipError as error:
            self.fault = error.code
            return
        await self._show()

    @event(Permission.ADMIN_ACCOUNTS)
    async def turn(self, key: str, disabled: bool) -> None:
        await self._do(departments.set_disabled, str(key), disabled is True)

    @event(Permission.ADMIN_ACCOUNTS)
    async def delete(self) -> None:
        if self.mode == "delete":
            await self._do(departments.delete, self._key)

    async def _do(self, service: Any, *given: Any) -> None:
        try:
            await changing(service, *given)
        except MipError as error:
            self.mode, self.said = "", error.code
            return
        await self._show()

    async def _show(self) -> None:
        try:
            self.rows = await looking(departments.listed)
        except Exception as error:  # said in the page, which offers to try again
            self.phase, self.trouble = "failed", note(error)
            return
        self.phase, self.mode, self.said = "ready", "", ""
