"""The form of one doctor: adding, adding an existing account, editing; and what is done to one of them."""

import asyncio
from typing import Any

import reflex as rx

from mip_app.accounts import doctors, passwords, staffing
from mip_app.accounts.doctors import Card
from mip_app.accounts.particulars import Particulars, name_of, of_form
from mip_app.admin.doctors import wecom
from mip_app.admin.doctors.state import Doctors, shown_again
from mip_app.core.actor import Permission
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError
from mip_app.core.gate import event

MODES = ("add", "existing", "edit")
ACTS = ("disable", "remove", "reset_password", "reset_factor")


def nobody() -> Card:
    return Card(
        account="",
        name="",
        title="",
        department="",
        department_name="",
        department_gone=False,
        phone="",
        roles=["reporter"],
        extra=[],
        home=True,
        elsewhere=False,
        second_factor=False,
        disabled=False,
        avatar="",
        signature="",
        me=False,
    )


class DoctorForm(rx.State):
    mode: str = ""  # one of MODES; '' is closed
    card: Card = nobody()
    serial: int = 0  # rises with each opening: the fields begin anew
    faults: dict[str, str] = {}  # by field, what is wrong with it
    fault: str = ""  # the first of them, newly said
    said: str = ""  # what is wrong with the whole
    wecom_shown: bool = False
    wecom: str = ""  # what they are called there

    @event(Permission.ADMIN_ACCOUNTS)
    async def add(self) -> None:
        self._open("add", nobody())

    @event(Permission.ADMIN_ACCOUNTS)
    async def add_existing(self) -> None:
        self._open("existing", nobody())

    @event(Permission.ADMIN_ACCOUNTS)
    async def edit(self, account: str) -> None:
        try:
            self._open("edit", await looking(doctors.card, str(account)))
            self.wecom = await looking(wecom.userid, str(account))
        except MipError as error:
            (await self.get_state(Doctors)).refused = error.code

    @event(Permission.ADMIN_ACCOUNTS)
    async def close(self) -> None:
        self.mode = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def pictured(self, address: str) -> None:
        await shown_again(self)

    @event(Permission.ADMIN_ACCOUNTS)
    async def submit(self, sent: dict[str, Any]) -> None:
        given, account = of_form(sent), sent.get("account") if isinstance(sent, dict) else ""
        self.faults, self.fault, self.said = {}, "", ""
        try:
            await self._save(self.mode, str(account or "")[:100], given, _wecom(sent))
        except MipError as error:
            self._say(error)
            return
        self.mode = ""
        await shown_again(self)

    async def _save(self, mode: str, account: str, given: Particulars, userid: str | None) -> None:
        if mode == "existing":
            await changing(staffing.add_existing, account, given)
        elif mode == "edit":
            await changing(wecom.edit, self.card["account"], given, userid)
        elif mode == "add":
            password, hashed = await asyncio.to_thread(passwords.initial_password)
            await changing(wecom.add, account, given, hashed, userid)
            (await self.get_state(DoctorActs))._tell(name_of(given.name), password)

    def _open(self, mode: str, card: Card) -> None:
        self.mode, self.card, self.serial = mode, card, self.serial + 1
        self.wecom_shown, self.wecom = wecom.configured(), ""
        self.faults, self.fault, self.said = {}, "", ""

    def _say(self, error: MipError) -> None:
        if field := error.detail.get("field", ""):
            self.faults, self.fault = {field: error.code}, f"{field} {self.serial} {error.code}"
        else:
            self.said = error.code


def _wecom(sent: object) -> str | None:
    """None: the form had no such field."""
    given = sent.get(wecom.FIELD) if isinstance(sent, dict) else None
    return given[:100] if isinstance(given, str) else None


class DoctorActs(rx.State):
    act: str = ""  # what is to be confirmed, one of ACTS; '' is closed
    name: str = ""
    count: int = 0
    elsewhere: bool = False
    said: str = ""
    password: str = ""  # shown once, then forgotten
    password_of: str = ""

    _accounts: list[str] = []

    @event(Permission.ADMIN_ACCOUNTS)
    async def ask(self, act: str, account: str) -> None:
        if act in ACTS:
            try:
                card = await looking(doctors.card, str(account))
            except MipError as error:
                (await self.get_state(Doctors)).refused = error.code
                return
            self._ask(act, [card["account"]], card["name"], card["elsewhere"])

    @event(Permission.ADMIN_ACCOUNTS)
    async def ask_selected(self) -> None:
        self._ask("disable", list((await self.get_state(Doctors)).selected), "", False)

    @event(Permission.ADMIN_ACCOUNTS)
    async def enable(self, account: str) -> None:
        await (await self.get_state(Doctors))._set_disabled([str(account)], False)
        (await self.get_state(DoctorForm)).mode = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def do(self) -> None:
        try:
            await self._do(self.act)
        except MipError as error:
            self.said = error.code
            return
        self.act = ""
        (await self.get_state(DoctorForm)).mode = ""
        await shown_again(self)

    @event(Permission.ADMIN_ACCOUNTS)
    async def close(self) -> None:
        self.act = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def forget(self) -> None:
        self.password = self.password_of = ""

    async def _do(self, act: str) -> None:
        if not self._accounts:
            return
        account = self._accounts[0]
        if act == "disable":
            await changing(staffing.set_disabled, self._accounts, True)
        elif act == "remove":
            await changing(staffing.remove, account)
        elif act == "reset_factor":
            await changing(staffing.reset_second_factor, account)
        elif act == "reset_password":
            password, hashed = await asyncio.to_thread(passwords.initial_password)
            await changing(staffing.reset_password, account, hashed)
            self._tell(self.name, password)

    def _ask(self, act: str, accounts: list[str], name: str, elsewhere: bool) -> None:
        self.act, self._accounts, self.name, self.elsewhere = act, accounts, name, elsewhere
        self.count, self.said = len(accounts), ""

    def _tell(self, name: str, password: str) -> None:
        self.password_of, self.password = name, password
