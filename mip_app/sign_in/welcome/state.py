import asyncio
from typing import Any

import reflex as rx

from mip_app.core.actor import current_actor
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError, NotSignedIn
from mip_app.core.gate import Open, Tab, event, renewed_actor
from mip_app.sign_in.entering import is_path
from mip_app.sign_in.judging import Judging, typed
from mip_app.sign_in.welcome import service


class Welcome(Judging, rx.State):
    """The steps of signing in that are still to do."""

    step: str = ""  # '' until it is known
    name: str = ""
    institution: str = ""
    phone: str = ""
    sent: bool = False
    key: str = ""
    qr: str = ""
    next: str = ""

    @event(Open.TO_ENTERING)
    async def load(self):
        asked = self.router.url.query_parameters.get("next", "")
        self.next = asked if is_path(asked) else ""
        await self._go_on()

    @event(Open.TO_ENTERING)
    async def send_code(self, form: dict[str, Any]):
        try:
            self.sent = self._sent(await changing(service.send_code, typed(form, "phone"))) or self.sent
        except MipError as error:
            self._refuse(error)

    @event(Open.TO_ENTERING)
    async def again(self):
        self._sent(await changing(service.send_again))

    @event(Open.TO_ENTERING)
    async def other_phone(self):
        self.sent, self.refused = False, ""

    @event(Open.TO_ENTERING)
    async def verify(self, form: dict[str, Any]):
        await self._try(service.verify_phone, typed(form, "code"))

    @event(Open.TO_ENTERING)
    async def prove(self, form: dict[str, Any]):
        await self._try(service.prove, typed(form, "code"))

    @event(Open.TO_ENTERING)
    async def confirm(self, form: dict[str, Any]):
        await self._try(service.confirm_enrolment, typed(form, "code"))

    @event(Open.TO_ENTERING)
    async def begin(self):
        enrolment = await changing(service.begin_enrolment)
        self.key, self.qr = enrolment.key, enrolment.qr

    @event(Open.TO_ENTERING)
    async def judge(self, password: str):
        self._show(await looking(service.judged, password))

    @event(Open.TO_ENTERING)
    async def save(self, form: dict[str, Any]):
        actor = current_actor()
        try:
            new, again = typed(form, "password"), typed(form, "again")
            await asyncio.to_thread(service.set_password, actor, new, again)
            await self._go_on()
        except MipError as error:
            self._refuse(error)

    async def _try(self, attempt: Any, code: object) -> None:
        try:
            if refused := await changing(attempt, code):
                self._refuse(refused)
            await self._go_on(refused)
        except MipError as error:
            self._refuse(error)

    async def _go_on(self, refused: str = "") -> None:
        """Show the step that is to do now."""
        try:
            await renewed_actor()
        except NotSignedIn:
            over = refused == "second_factor.too_many"
            (await self.get_state(Tab)).ended = "too_many" if over else "signed_out"
            return
        now = await looking(service.progress)
        self.step, self.phone, self.refused = now.step, now.phone, refused
        self.name, self.institution = now.name, now.institution
        self.sent = self.sent or now.sent
