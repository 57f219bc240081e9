"""What the own institution says of itself, and its figures."""

from dataclasses import asdict

import reflex as rx

from mip_app.accounts import own_institution
from mip_app.accounts.entries import form_of
from mip_app.accounts.own_institution import PeopleFigures, Said
from mip_app.admin.trying import Refusal
from mip_app.core.actor import Permission
from mip_app.core.database import changing, looking
from mip_app.core.gate import event
from mip_app.studies.figures import figures

RULE = Permission.ADMIN_INSTITUTION
NOTHING = Said(
    code="", name="", name_en="", level="", address="", phone="", time_zone="", logo="", administrators=[]
)


class OwnInstitution(Refusal, rx.State):
    ready: bool = False
    said: Said = NOTHING
    changing: bool = False
    people: PeopleFigures = PeopleFigures(people=0, departments=0, sign_ins_today=0)
    counted: bool = False
    studies: int = 0
    stored: str = ""  # 86 MB, 1.2 GB
    stored_unit: str = ""

    @event(RULE)
    async def load(self):
        self._forgive()
        self.changing = False
        await self._look()
        self.people = await looking(own_institution.people_figures)
        self.ready = True
        return OwnInstitution.count

    @event(RULE)
    async def count(self):
        """Apart from the rest: of millions of images it takes a moment."""
        since = await looking(own_institution.month_began)
        found = asdict(await looking(figures, since))
        self.studies = found["studies"]
        self.stored, self.stored_unit = size(found["bytes"])
        self.counted = True

    @event(RULE)
    async def start(self):
        self._forgive()
        self.changing = True

    @event(RULE)
    async def close(self):
        self._forgive()
        self.changing = False

    @event(RULE)
    async def change(self, form: dict):
        if await self._tried(own_institution.change, form_of(form)):
            self.changing = False
            await self._look()

    @event(RULE)
    async def logo_sent(self):
        await self._look()

    @event(RULE)
    async def remove_logo(self):
        await changing(own_institution.set_logo, "")
        await self._look()

    async def _look(self) -> None:
        self.said = await looking(own_institution.said)


def size(number: int) -> tuple[str, str]:
    """Powers of 1,000; one decimal from GB on."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9)):
        if number >= factor:
            return f"{number / factor:,.1f}", unit
    return (f"{number / 10**6:,.0f}", "MB") if number >= 10**6 else (f"{-(-number // 1000):,}", "kB")
