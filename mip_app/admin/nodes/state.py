"""The nodes as one tab has them open, the answer of the last test of each, and what is on its way to them."""

import asyncio
from typing import Any, TypedDict

import reflex as rx

from mip_app.accounts.entries import form_of
from mip_app.admin.trying import Listed
from mip_app.core import bus
from mip_app.core.actor import Permission, current_actor
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError, NotPermitted, NotSignedIn
from mip_app.core.gate import event, renewed_actor
from mip_app.core.logs import note
from mip_app.core.settings import settings
from mip_app.dimse import echoing, registering, sending
from mip_app.dimse.registering import NodeRow
from mip_app.jobs import service as jobs
from mip_app.jobs.service import JobRow

RULE = Permission.ADMIN_NODES
LOOK_AT_MOST = 0.5  # seconds between two looks while images are on their way
LOOK_EVERY = 30.0
LINES = {"node_name": "", "ae_title": "", "address": "", "port": ""}
TICKS = {"tls": False, "may_store": True, "may_query": False, "may_retrieve": False}


class Sending(TypedDict):
    key: str
    target: str
    state: str
    done: int
    failed: int
    total: int
    error: str
    over: bool


class Nodes(Listed, rx.State):  # modes: add, change, remove
    rows: list[NodeRow] = []
    sendings: list[Sending] = []
    ae_title: str = ""
    port: int = 0
    tls_port: int = 0  # 0: no TLS

    card: dict[str, str] = LINES
    ticks: dict[str, bool] = TICKS
    said: dict[str, str] = {}  # by node: how its test ended, a key of the catalogue; '' while it runs
    took: dict[str, int] = {}  # milliseconds

    _key: str = ""

    @event(RULE)
    async def load(self) -> Any:
        chosen = settings()
        self.ae_title, self.port = chosen.dimse_ae_title, chosen.dimse_port
        self.tls_port = chosen.dimse_tls_port if chosen.dimse_tls_cert else 0
        self.said, self.took = {}, {}
        await self._show()
        return Nodes.watch

    @event(RULE, background=True, supersedes=True)
    async def watch(self) -> None:
        """Follow what others change and what arrives."""
        institution = current_actor().institution
        async for _ in bus.changes(jobs.topic_of(institution), every=LOOK_EVERY):
            try:
                await renewed_actor()
                async with self:
                    await self._look()
            except (NotSignedIn, NotPermitted):
                return
            except Exception as error:  # the database may be away for a while
                note(error)
            await asyncio.sleep(LOOK_AT_MOST)

    @event(RULE)
    async def open(self, mode: str, key: str) -> None:
        row = next((row for row in self.rows if row["key"] == key), None)
        if mode == "add":
            self.card, self.ticks = LINES, TICKS
        elif mode in ("change", "remove") and row:
            said: dict[str, Any] = {**row, "node_name": row["name"]}
            self.card = {name: said[name] for name in LINES}
            self.ticks = {name: said[name] for name in TICKS}
        else:
            return
        self.mode, self._key = mode, str(key)
        self._forgive()

    @event(RULE)
    async def close(self) -> None:
        self.mode = ""

    @event(RULE)
    async def submit(self, sent: dict[str, Any]) -> None:
        form = form_of(sent)
        asked = {"add": (registering.add, form), "change": (registering.change, self._key, form)}
        if self.mode in asked and await self._tried(*asked[self.mode]):
            self.said = {key: said for key, said in self.said.items() if key != self._key}
            await self._show()

    @event(RULE)
    async def turn(self, node: str, disabled: bool) -> None:
        await self._do(registering.set_disabled, str(node), disabled is True)

    @event(RULE)
    async def remove(self) -> None:
        if self.mode == "remove":
            await self._do(registering.remove, self._key)

    @event(RULE, background=True)
    async def test(self, node: str) -> None:
        """C-ECHO; the page goes on meanwhile."""
        key = str(node)
        async with self:
            if self.said.get(key) == "":
                return
            self.said = self.said | {key: ""}
        took = 0
        try:
            peer = await looking(registering.to_test, key)
            answer = await asyncio.to_thread(echoing.echo, peer)
            code, took = answer.code, answer.milliseconds
        except MipError as error:
            code = error.code
        except Exception as error:
            note(error)
            code = "error.unexpected"
        async with self:
            self.said, self.took = self.said | {key: code}, self.took | {key: took}

    @event(RULE)
    async def cancel_job(self, job: int) -> None:
        await self._about(jobs.cancel, job)

    @event(RULE)
    async def repeat_job(self, job: int) -> None:
        await self._about(jobs.again, job)

    async def _about(self, service: Any, job: int) -> None:
        try:
            await changing(service, job)
        except MipError as error:
            self.trouble = error.code
        await self._look()

    async def _look(self) -> None:
        self.rows = await looking(registering.listed)
        self.sendings = [_said(row) for row in await looking(jobs.listed, sending.KIND)]


def _said(row: JobRow) -> Sending:
    return Sending(
        key=str(row.id),
        target=str(row.payload.get("name", "")),
        state=row.state,
        done=row.done,
        failed=row.failed,
        total=row.total,
        error=row.error,
        over=row.state in jobs.ENDED,
    )
