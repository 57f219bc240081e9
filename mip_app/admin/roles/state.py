"""Roles and what each may, as one administrator has them open."""

import reflex as rx

from mip_app.accounts import role_sets
from mip_app.accounts.entries import form_of
from mip_app.accounts.role_sets import RoleLine
from mip_app.admin.trying import Refusal
from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.gate import event

RULE = Permission.ADMIN_ROLES
NONE = RoleLine(code="", name="", own=False, changed=False, permissions=[], people=0)


class Roles(Refusal, rx.State):
    ready: bool = False
    rows: list[RoleLine] = []
    chosen: RoleLine = NONE  # on the phone, which shows one at a time
    asked: str = ""  # which dialog is open: add, rename, delete, restore
    one: RoleLine = NONE  # whom it is about

    @event(RULE)
    async def load(self):
        self._leave()
        await self._look()
        self.ready = True

    @event(RULE)
    async def choose(self, code: str):
        self._leave()
        self.chosen = self._row(code)

    @event(RULE)
    async def give(self, code: str, permission: str, given: bool):
        self._leave()
        await self._tried(role_sets.give, code, permission, given)
        await self._look()

    @event(RULE)
    async def ask(self, what: str, code: str):
        self._leave()
        self.asked, self.one = str(what), self._row(code)

    @event(RULE)
    async def close(self):
        self._leave()

    @event(RULE)
    async def add(self, form: dict):
        if self.asked == "add":
            await self._finish(role_sets.add, form_of(form))

    @event(RULE)
    async def rename(self, form: dict):
        await self._finish(role_sets.rename, self.one["code"], form_of(form))

    @event(RULE)
    async def delete(self):
        await self._finish(role_sets.delete, self.one["code"])

    @event(RULE)
    async def restore(self):
        await self._finish(role_sets.restore, self.one["code"])

    async def _finish(self, service, *args):
        if await self._tried(service, *args):
            self._leave()
            await self._look()

    def _leave(self) -> None:
        self._forgive()
        self.asked, self.one = "", NONE

    def _row(self, code: object) -> RoleLine:
        return next((row for row in self.rows if row["code"] == code), NONE)

    async def _look(self) -> None:
        self.rows = await looking(role_sets.roles)
        self.chosen = self._row(self.chosen["code"] or self.rows[0]["code"])
        if not self.chosen["code"]:
            self.chosen = self.rows[0]
