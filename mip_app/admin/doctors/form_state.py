"""The form of one doctor: adding, adding an existing account, editing; and what is done to one of them."""

from typing import Any

import reflex as rx

from mip_app.accounts import doctors, staffing
from mip_app.accounts.doctors import Card
from mip_app.accounts.entries import form_of
from mip_app.accounts.particulars import of_form
from mip_app.accounts.sessions import account_key
from mip_app.admin.doctors import wecom
from mip_app.admin.doctors.state import Doctors, shown_again
from mip_app.admin.trying import Refusal, Secret, initial_password
from mip_app.core.actor import Permission
from mip_app.core.database import looking
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


class DoctorForm(Refusal, rx.State):
    mode: str = ""  # one of MODES; '' is closed
    card: Card = nobody()
    serial: int = 0  # rises with each opening: the fields begin anew
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
        if await self._saved(self.mode, form_of(sent)):
            self.mode = ""
            await shown_again(self)

    async def _saved(self, mode: str, form: dict[str, object]) -> bool:
        given, account, userid = of_form(form), form.get("account", ""), _wecom(form)
        if mode == "existing":
            return await self._tried(staffing.add_existing, account, given)
        if mode == "edit":
            return await self._tried(wecom.edit, self.card["account"], given, userid)
        if mode != "add":
            return False
        initial = await initial_password()
        if added := await self._tried(wecom.add, account, given, initial.hashed, userid):
            (await self.get_state(DoctorActs))._keep(initial, account_key(str(account)))
        return added

    def _open(self, mode: str, card: Card) -> None:
        self.mode, self.card, self.serial = mode, card, self.serial + 1
        self.wecom_shown, self.wecom = wecom.configured(), ""
        self._forgive()


def _wecom(form: dict[str, object]) -> str | None:
    """None: the form had no such field."""
    given = form.get(wecom.FIELD)
    return given[:100] if isinstance(given, str) else None


class DoctorActs(Refusal, Secret, rx.State):
    act: str = ""  # what is to be confirmed, one of ACTS; '' is closed
    name: str = ""
    count: int = 0
    elsewhere: bool = False

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
        if self._accounts and await self._done(self.act, self._accounts[0]):
            self.act = ""
            (await self.get_state(DoctorForm)).mode = ""
            await shown_again(self)

    @event(Permission.ADMIN_ACCOUNTS)
    async def close(self) -> None:
        self.act = ""

    @event(Permission.ADMIN_ACCOUNTS)
    async def noted(self) -> None:
        self._forget()

    async def _done(self, act: str, account: str) -> bool:
        if act == "disable":
            return await self._tried(staffing.set_disabled, self._accounts, True)
        if act == "remove":
            return await self._tried(staffing.remove, account)
        if act == "reset_factor":
            return await self._tried(staffing.reset_second_factor, account)
        if act != "reset_password":
            return False
        initial = await initial_password()
        if done := await self._tried(staffing.reset_password, account, initial.hashed):
            self._keep(initial, account)
        return done

    def _ask(self, act: str, accounts: list[str], name: str, elsewhere: bool) -> None:
        self.act, self._accounts, self.name, self.elsewhere = act, accounts, name, elsewhere
        self.count = len(accounts)
        self._forgive()
