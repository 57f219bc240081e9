"""Which columns somebody sees and how high the rows are; remembered per person."""

import reflex as rx

from mip_app.accounts.preferences import prefer, preference
from mip_app.core.actor import Permission
from mip_app.core.database import changing, looking
from mip_app.core.gate import event

KEY = "studies.table"
HIDEABLE = ("pid", "sex", "modality", "part", "description", "time", "images", "report", "editor", "printed")
DENSITIES = ("compact", "default", "roomy")


class Layout(rx.State):
    hidden: list[str] = []
    density: str = "default"

    @event(Permission.STUDY_READ)
    async def load(self):
        kept = await looking(preference, KEY)
        hidden, density = kept.get("hidden"), kept.get("density")
        self.hidden = [name for name in HIDEABLE if isinstance(hidden, list) and name in hidden]
        self.density = str(density) if density in DENSITIES else "default"

    @event(Permission.STUDY_READ)
    async def toggle(self, column: str):
        self.hidden = [name for name in HIDEABLE if (name in self.hidden) != (name == column)]
        await self._keep()

    @event(Permission.STUDY_READ)
    async def space(self, density: str):
        if density in DENSITIES:
            self.density = density
            await self._keep()

    async def _keep(self) -> None:
        await changing(prefer, KEY, {"hidden": list(self.hidden), "density": self.density})
