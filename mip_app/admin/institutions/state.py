"""The page of the alliance's administrator: institutions and their administrators."""

import reflex as rx

from mip_app.accounts import institutions
from mip_app.accounts.administrators import Administrator
from mip_app.accounts.entries import form_of
from mip_app.accounts.institutions import InstitutionLine
from mip_app.accounts.sessions import account_key
from mip_app.admin.trying import Refusal, Secret, initial_password
from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.gate import event

NONE = InstitutionLine(
    id=0,
    code="",
    name="",
    name_en="",
    level="",
    address="",
    phone="",
    time_zone="",
    disabled=False,
    people=0,
)
LEADER = Permission.ADMIN_INSTITUTIONS


class Institutions(Refusal, Secret, rx.State):
    ready: bool = False
    rows: list[InstitutionLine] = []
    one: InstitutionLine = NONE  # whose drawer is open
    people: list[Administrator] = []
    adding: bool = False
    asked: str = ""  # which dialog is open: open, disable, reset
    asked_of: str = ""  # whom a reset is about

    _person: int = 0

    @event(LEADER)
    async def load(self):
        self._leave()
        self.one, self.secret, self.secret_of = NONE, "", ""
        await self._look()
        self.ready = True

    @event(LEADER)
    async def close(self):
        self._leave()

    @event(LEADER)
    async def start_opening(self):
        self._leave()
        self.asked = "open"

    @event(LEADER)
    async def open_one(self, form: dict):
        if self.asked != "open":  # a second click on a slow line
            return
        initial, sent = await initial_password(), form_of(form)
        if await self._tried(institutions.open_institution, sent, initial.hashed):
            self._leave()
            self._keep(initial, account_key(str(sent["account"])))
            await self._look()

    @event(LEADER)
    async def show(self, institution_id: int):
        self._leave()
        self.one = next((row for row in self.rows if row["id"] == institution_id), NONE)
        self.people = await looking(institutions.administrators_of, institution_id) if self.one["id"] else []

    @event(LEADER)
    async def hide(self):
        self._leave()
        self.one = NONE

    @event(LEADER)
    async def change(self, form: dict):
        if await self._tried(institutions.change, self.one["id"], form_of(form)):
            await self._look()

    @event(LEADER)
    async def ask_disable(self):
        self._leave()
        self.asked = "disable"

    @event(LEADER)
    async def disable(self):
        if await self._tried(institutions.set_disabled, self.one["id"], True):
            await self._look()
            self._leave()

    @event(LEADER)
    async def enable(self):
        if await self._tried(institutions.set_disabled, self.one["id"], False):
            await self._look()

    @event(LEADER)
    async def start_adding(self):
        self._leave()
        self.adding = True

    @event(LEADER)
    async def stop_adding(self):
        self._leave()

    @event(LEADER)
    async def add_person(self, form: dict):
        if not self.adding:
            return
        initial, sent = await initial_password(), form_of(form)
        if await self._tried(institutions.add_administrator, self.one["id"], sent, initial.hashed):
            self._leave()
            self._keep(initial, account_key(str(sent["account"])))
            await self._look()

    @event(LEADER)
    async def ask_reset(self, membership_id: int):
        self._leave()
        person = next((one for one in self.people if one["id"] == membership_id), None)
        if person:
            self.asked, self._person, self.asked_of = "reset", person["id"], person["name"]

    @event(LEADER)
    async def reset_person(self):
        if self.asked != "reset":
            return
        initial = await initial_password()
        account = next((one["account"] for one in self.people if one["id"] == self._person), "")
        if await self._tried(institutions.reset_administrator, self._person, initial.hashed):
            self._leave()
            self._keep(initial, account)
            await self._look()

    @event(LEADER)
    async def close_person(self, membership_id: int, disabled: bool):
        self._leave()
        if await self._tried(institutions.disable_administrator, membership_id, disabled):
            await self._look()

    @event(LEADER)
    async def noted(self):
        self._forget()

    def _leave(self) -> None:
        """Back to the list or the drawer, with nothing half done."""
        self._forgive()
        self.asked, self.asked_of, self.adding, self._person = "", "", False, 0

    async def _look(self) -> None:
        self.rows = await looking(institutions.institutions)
        self.one = next((row for row in self.rows if row["id"] == self.one["id"]), NONE)
        if self.one["id"]:
            self.people = await looking(institutions.administrators_of, self.one["id"])
