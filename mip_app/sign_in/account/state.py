import asyncio
from typing import Any, TypedDict

import reflex as rx

from mip_app.accounts import portraits
from mip_app.core.actor import current_actor
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError
from mip_app.core.gate import Open, event
from mip_app.sign_in.account import devices, service
from mip_app.sign_in.judging import Judging, typed

PARTS = ("phone", "code", "password", "turn_on", "turn_off")


class ShownDevice(TypedDict):
    id: int
    words: str
    phone: bool
    address: str
    since: str
    seen: str
    side: str
    method: str
    here: bool


class ShownRole(TypedDict):
    key: str
    name: str


class ShownPlace(TypedDict):
    name: str
    roles: list[ShownRole]
    here: bool


class OwnAccount(Judging, rx.State):
    """One's own account: what it says, and the one part of it that is being changed."""

    name: str = ""
    title: str = ""
    account: str = ""
    phone: str = ""
    places: list[ShownPlace] = []
    second_factor: str = ""
    required: bool = False
    devices: list[ShownDevice] = []
    part: str = ""  # which form is open
    said: str = ""  # what was done last: a key of the catalogue
    key: str = ""
    qr: str = ""
    avatar: str = ""  # addresses of the own pictures
    signature: str = ""

    @event(Open.TO_SIGNED_IN)
    async def load(self):
        self.part, self.said = "", ""
        await self._look()

    @event(Open.TO_SIGNED_IN)
    async def picture_changed(self, address: str):
        await self._look_at_pictures()

    @event(Open.TO_SIGNED_IN)
    async def open(self, part: str):
        self._open(part if part in PARTS else "")
        if self.part == "turn_on":
            enrolment = await changing(service.begin_enrolment)
            self.key, self.qr = enrolment.key, enrolment.qr

    @event(Open.TO_SIGNED_IN)
    async def judge(self, password: str):
        self._show(await looking(service.judged, password))

    @event(Open.TO_SIGNED_IN)
    async def change_password(self, form: dict[str, Any]):
        fields = [typed(form, name) for name in ("old", "password", "again")]
        await self._do("own.password_changed", service.change_password, *fields)

    @event(Open.TO_SIGNED_IN)
    async def send_code(self, form: dict[str, Any]):
        fields = [typed(form, name) for name in ("old", "phone")]
        try:
            sent = await asyncio.to_thread(service.send_phone_code, current_actor(), *fields)
            if self._sent(sent):
                self.part = "code"
        except MipError as error:
            self._refuse(error)

    @event(Open.TO_SIGNED_IN)
    async def again(self):
        self._sent(await changing(service.send_again))

    @event(Open.TO_SIGNED_IN)
    async def confirm_phone(self, form: dict[str, Any]):
        refused = await changing(service.confirm_phone, typed(form, "code"))
        await self._done("own.phone_changed", refused)

    @event(Open.TO_SIGNED_IN)
    async def turn_on(self, form: dict[str, Any]):
        fields = [typed(form, name) for name in ("old", "code")]
        await self._do("own.second_factor_on", service.turn_on, *fields)

    @event(Open.TO_SIGNED_IN)
    async def turn_off(self, form: dict[str, Any]):
        fields = [typed(form, name) for name in ("old", "code")]
        await self._do("own.second_factor_off", service.turn_off, *fields)

    @event(Open.TO_SIGNED_IN)
    async def end_device(self, session_id: int):
        try:
            await changing(devices.end_device, session_id)
            await self._done("own.device_ended")
        except MipError as error:
            await self._done("", error.code)

    @event(Open.TO_SIGNED_IN)
    async def end_others(self):
        await changing(devices.end_others)
        await self._done("own.devices_ended")

    async def _do(self, said: str, act: Any, *fields: object) -> None:
        """An act of several units, in a thread: hashes take long."""
        try:
            refused = await asyncio.to_thread(act, current_actor(), *fields)
        except MipError as error:
            self._refuse(error)
        else:
            await self._done(said, refused or "")

    async def _done(self, said: str, refused: str = "") -> None:
        if refused:
            self._refuse(refused)
        else:
            self._open("")
            self.said = said
        await self._look()

    def _open(self, part: str) -> None:
        self.part, self.said, self.refused, self.minutes = part, "", "", ""
        self.long = self.other = self.uncommon = False
        self.bars, self.key, self.qr = 0, "", ""

    async def _look(self) -> None:
        own = await looking(service.own)
        self.name, self.title, self.account = own.name, own.title, own.account
        self.phone, self.second_factor, self.required = own.phone, own.second_factor, own.required
        self.places = [
            ShownPlace(
                name=place.name,
                roles=[ShownRole(key=key, name=name) for key, name in place.roles],
                here=place.here,
            )
            for place in own.places
        ]
        self.devices = [
            ShownDevice(**{name: getattr(found, name) for name in ShownDevice.__annotations__})  # type: ignore[typeddict-item]
            for found in await looking(devices.devices)
        ]
        await self._look_at_pictures()

    async def _look_at_pictures(self) -> None:
        addresses = await looking(portraits.own_addresses)
        self.avatar, self.signature = addresses["avatar"], addresses["signature"]
