"""Sending one study: to whom, and how far it is."""

from typing import Any, TypedDict

import reflex as rx

from mip_app.core import bus
from mip_app.core.actor import Permission
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError, NotPermitted, NotSignedIn
from mip_app.core.gate import event, renewed_actor
from mip_app.core.logs import note
from mip_app.dimse import sending
from mip_app.jobs import service as jobs

LOOK_EVERY = 30.0  # seconds; what changes is told at once


class TargetRow(TypedDict):
    key: str
    name: str
    ae_title: str


class SendTo(rx.State):
    study: str = ""  # '': closed
    targets: list[TargetRow] = []
    trouble: str = ""
    job: int = 0  # 0: none asked for yet
    to: str = ""
    state: str = ""
    done: int = 0
    total: int = 0
    error: str = ""

    @event(Permission.STUDY_SEND)
    async def open(self, study: str) -> None:
        found = await looking(sending.targets)
        self.targets = [TargetRow(key=str(one.id), name=one.name, ae_title=one.ae_title) for one in found]
        self.study, self.trouble, self.job, self.state, self.error = str(study), "", 0, "", ""

    @event(Permission.STUDY_SEND)
    async def close(self) -> None:
        """What is on its way goes on."""
        self.study, self.job = "", 0

    @event(Permission.STUDY_SEND)
    async def send(self, node: str) -> Any:
        chosen = next((one for one in self.targets if one["key"] == str(node)), None)
        if not self.study or self.job or chosen is None:
            return None
        try:
            self.job = await changing(sending.send, self.study, [], int(chosen["key"]))
        except MipError as error:
            self.trouble = error.code
            return None
        self.to, self.trouble = chosen["name"], ""
        await self._look(self.job)
        return SendTo.watch

    @event(Permission.STUDY_SEND, background=True, supersedes=True)
    async def watch(self) -> None:
        """Until it is over, or the dialog is closed."""
        async with self:
            job = self.job
        if not job:
            return
        async for _ in bus.changes(jobs.topic(job), every=LOOK_EVERY):
            try:
                await renewed_actor()
                async with self:
                    if self.job != job:
                        return
                    await self._look(job)
                    if self.state in jobs.ENDED:
                        return
            except (NotSignedIn, NotPermitted):
                return
            except Exception as error:  # the database may be away for a while
                note(error)

    @event(Permission.STUDY_SEND)
    async def cancel(self) -> None:
        await self._about(jobs.cancel)

    @event(Permission.STUDY_SEND)
    async def repeat(self) -> Any:
        await self._about(jobs.again)
        return SendTo.watch

    async def _about(self, service: Any) -> None:
        try:
            if self.job:
                await changing(service, self.job)
        except MipError as error:
            self.trouble = error.code
        if self.job:
            await self._look(self.job)

    async def _look(self, job: int) -> None:
        row = await looking(jobs.shown, job)
        self.state, self.done, self.total, self.error = row.state, row.done, row.total, row.error
