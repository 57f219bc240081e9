"""The log as one tab has it open: what it asks for, and the page it shows."""

import reflex as rx

from mip_app.audit.models import Act
from mip_app.auditing import asking, proving, trail
from mip_app.auditing.asking import Asked
from mip_app.auditing.reading import Place
from mip_app.auditing.trail import NO_PROOF, Proof, Row
from mip_app.core.actor import Permission, current_actor
from mip_app.core.database import changing, looking
from mip_app.core.gate import event
from mip_app.core.logs import note


class AuditTrail(rx.State):
    phase: str = "loading"  # loading, ready, failed
    trouble: str = ""  # its number, when failed
    asked: dict[str, str] = asking.said(Asked())
    acts: list[str] = [act.value for act in Act]  # to choose from
    narrowing: int = 0  # how many filters are set
    cleared: int = 0  # rises when the fields have to be emptied from here

    rows: list[Row] = []
    number: int = 1  # of the first row
    more: bool = False

    proof: Proof = NO_PROOF
    proving: str = ""  # running, failed

    _places: list[Place] = []  # where the pages before this one ended
    _last: Place | None = None

    @event(Permission.AUDIT_READ)
    async def load(self):
        self.proving = ""
        await self._show([])
        self.proof = await looking(trail.last_proof)

    @event(Permission.AUDIT_READ)
    async def choose(self, name: str, value: str):
        """A filter by its name; what is typed is one of them."""
        if not isinstance(name, str) or name not in self.asked or not isinstance(value, str):
            return
        asked = {**self.asked, name: value}
        if name == "kind":  # another part of the log has other acts
            asked["act"] = ""
        await self._ask(asked)

    @event(Permission.AUDIT_READ)
    async def clear(self):
        self.cleared += 1
        await self._ask({**asking.said(Asked()), "kind": self.asked["kind"]})

    @event(Permission.AUDIT_READ)
    async def next_page(self):
        if self.more and self._last:
            await self._show([*self._places, self._last])

    @event(Permission.AUDIT_READ)
    async def previous_page(self):
        await self._show(self._places[:-1])

    @event(Permission.AUDIT_READ, background=True)
    async def prove(self):
        async with self:
            if self.proving == "running":
                return
            self.proving = "running"
        try:
            await changing(proving.proven, await proving.prove(current_actor()))
            said = ""
        except Exception as error:  # the page says that there is no proof
            note(error)
            said = "failed"
        async with self:
            self.proof, self.proving = await looking(trail.last_proof), said

    async def _ask(self, words: dict[str, str]) -> None:
        asked = asking.parse(words)
        self.asked = asking.said(asked)
        self.narrowing = asking.narrowing(asked)
        self.acts = [act.value for act in Act if asked.kind in (None, act.kind)]
        await self._show([])

    async def _show(self, places: list[Place]) -> None:
        after = places[-1] if places else None
        try:
            page = await looking(trail.page, asking.parse(self.asked), after)
        except Exception as error:  # said in the page, which offers to try again
            self.phase, self.trouble = "failed", note(error)
            return
        self.rows, self.more, self._last = page.rows, page.more, page.last
        self._places, self.number = places, len(places) * trail.PAGE + 1
        self.phase, self.trouble = "ready", ""
