import asyncio
from typing import Any

import reflex as rx

from mip_app.accounts.recognising import nobody
from mip_app.core.actor import Actor
from mip_app.core.database import read, write
from mip_app.core.errors import MipError
from mip_app.core.gate import Open, event
from mip_app.sign_in.forgot import service
from mip_app.sign_in.judging import Judging, typed


class Forgot(Judging, rx.State):
    """Nobody is signed in here: what is proved is proved by the ticket, which the browser never sees."""

    step: str = ""  # asked, code, password, done; '' until the page is alive

    _ticket: str = ""
    _account: str = ""
    _phone: str = ""

    @event(Open.TO_ALL)
    async def load(self):
        self.step, self.refused, self._ticket = "asked", "", ""

    @event(Open.TO_ALL)
    async def send_code(self, form: dict[str, Any]):
        self._account, self._phone = (str(typed(form, name) or "")[:100] for name in ("account", "phone"))
        await self._send()

    @event(Open.TO_ALL)
    async def again(self):
        await self._send()

    @event(Open.TO_ALL)
    async def verify(self, form: dict[str, Any]):
        code = typed(form, "code")
        tried = await asyncio.to_thread(write, service.verify, self._nobody(), self._ticket, code)
        if tried.error:
            self._refuse(tried.error)
        else:
            self.step, self.refused = "password", ""

    @event(Open.TO_ALL)
    async def judge(self, password: str):
        try:
            self._show(await asyncio.to_thread(read, service.judged, self._nobody(), self._ticket, password))
        except MipError as error:
            self._refuse(error)

    @event(Open.TO_ALL)
    async def save(self, form: dict[str, Any]):
        new, again = typed(form, "password"), typed(form, "again")
        try:
            await asyncio.to_thread(service.set_password, self._nobody(), self._ticket, new, again)
            self.step, self._ticket, self._phone = "done", "", ""
        except MipError as error:
            self._refuse(error)

    async def _send(self) -> None:
        asked = (self._account, self._phone)
        sent = await asyncio.to_thread(write, service.send_code, self._nobody(), *asked)
        if self._sent(sent):
            self.step, self._ticket = "code", sent.ticket

    def _nobody(self) -> Actor:
        return nobody(self.router.session.client_ip)
