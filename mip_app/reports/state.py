"""The report's page: what it shows. The truth is in the database, the text being typed in the browser."""

from collections.abc import Callable
from typing import Any, TypedDict

import reflex as rx
from sqlmodel import Session

from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, current_actor
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError, NotSignedIn
from mip_app.core.gate import event, renewed_actor
from mip_app.reports import holding, printing, service, signing, writing
from mip_app.reports.desk import topic
from mip_app.reports.draft import Draft, Outcome, draft_of
from mip_app.reports.service import Comparison, LockLine, ReportLine, TextLine, VersionLine, View
from mip_app.studies.service import NO_STUDY, StudyLine

LOOK_EVERY = 10.0  # seconds; a lock also ends by the clock

Act = Callable[[Session, Actor, Draft], Outcome]


class Answer(TypedDict):
    """To the page's question `ask`. `safe`: a refused text is kept, or was nowhere else than where it stands."""

    ask: int
    ok: bool
    safe: bool
    code: str
    revision: int
    fence: int
    kept: int
    who: str


def _nothing() -> Comparison:
    return Comparison(
        old=0, new=0, added=0, removed=0, findings=[], impression=[], old_findings="", old_impression=""
    )


class ReportPage(rx.State):
    phase: str = "loading"  # loading, ready, or the code of what went wrong
    me: int = 0
    study: StudyLine = NO_STUDY
    report: ReportLine = ReportLine(
        status="none", can=[], version=0, next=1, amending=False, reason="",
        preliminary="", preliminary_at="", reviewed="", reviewed_at="",
    )  # fmt: skip
    text: TextLine = TextLine(uid="", revision=-1, findings="", impression="", by="", at="", open=False)
    lock: LockLine = LockLine(
        holder="", mine=False, expired=False, fence=0, since="", last_input=0, expires=0, now=0,
        ended_fence=0, ended_why="", ended_by="", ended_version=0,
    )  # fmt: skip
    versions: list[VersionLine] = []
    answer: Answer = Answer(ask=0, ok=True, safe=True, code="", revision=-1, fence=0, kept=0, who="")
    compared: Comparison = _nothing()
    sheet: str = ""  # address of the printed report, while it is shown
    print_refused: str = ""

    _pk: int = 0

    @event(Permission.REPORT_READ)
    async def load(self):
        self.sheet, self.compared = "", _nothing()
        try:
            view = await changing(service.open_report, self._asked_uid())
        except MipError as error:
            self.phase = error.code
            return None
        self.me, self.phase = current_actor().user_id or 0, "ready"
        self._show(view)
        return ReportPage.watch

    @event(Permission.REPORT_READ, background=True, supersedes=True)
    async def watch(self):
        """Follow what others write, and what the clock ends."""
        async for _ in bus.changes(topic(self._pk), every=LOOK_EVERY):
            try:
                await renewed_actor()
                async with self:
                    uid = self.study["uid"]
                    await self._look(uid)
                    late = self.lock["expired"]
                if late:
                    await changing(holding.settle, uid)
            except NotSignedIn:
                return
            except MipError as error:
                async with self:
                    self.phase = error.code
                return

    @event(Permission.REPORT_WRITE)
    async def take(self, sent: dict[str, Any]) -> None:
        await self._do(holding.take, sent)

    @event(Permission.REPORT_REVIEW)
    async def take_over(self, sent: dict[str, Any]) -> None:
        await self._do(holding.take_over, sent)

    @event(Permission.REPORT_WRITE)
    async def renew(self, sent: dict[str, Any]) -> None:
        await self._do(holding.renew, sent)

    @event(Permission.REPORT_WRITE)
    async def autosave(self, sent: dict[str, Any]) -> None:
        await self._do(writing.autosave, sent)

    @event(Permission.REPORT_WRITE)
    async def save(self, sent: dict[str, Any]) -> None:
        await self._do(writing.save, sent)

    @event(Permission.REPORT_WRITE)
    async def keep(self, sent: dict[str, Any]) -> None:
        await self._do(writing.keep, sent)

    @event(Permission.REPORT_SIGN)
    async def sign(self, sent: dict[str, Any]) -> None:
        await self._do(signing.sign, sent)

    @event(Permission.REPORT_REVIEW)
    async def review(self, sent: dict[str, Any]) -> None:
        await self._do(signing.review, sent)

    @event(Permission.REPORT_REVIEW)
    async def give_back(self, sent: dict[str, Any]) -> None:
        await self._do(signing.give_back, sent)

    @event(Permission.REPORT_REVIEW)
    async def amend(self, sent: dict[str, Any]) -> None:
        await self._do(signing.amend, sent)

    @event(Permission.REPORT_REVIEW)
    async def drop_amendment(self, sent: dict[str, Any]) -> None:
        await self._do(signing.drop_amendment, sent)

    @event(Permission.REPORT_READ_DRAFT)
    async def compare(self, number: int) -> None:
        if isinstance(number, int):
            self.compared = await looking(service.compare, self._asked_uid(), number)

    @event(Permission.REPORT_PRINT)
    async def print(self):
        try:
            number = await changing(printing.record, self._asked_uid())
        except MipError as error:
            self.print_refused = error.code
            return
        self.print_refused, self.sheet = "", f"/print/{self._asked_uid()}.pdf?record={number}"

    @event(Permission.REPORT_PRINT)
    async def preview(self):
        self.print_refused = ""
        self.sheet = f"/print/{self._asked_uid()}.pdf?version={self.report['version']}"

    def _asked_uid(self) -> str:
        # The route's argument comes from the client: the service decides.
        uid: str = self.study_uid
        return uid

    async def _do(self, act: Act, sent: object) -> None:
        number = sent.get("ask") if isinstance(sent, dict) else 0
        asked = number if isinstance(number, int) else 0
        try:
            outcome = await changing(act, draft_of(sent))
            safe = True
        except MipError as error:
            outcome, safe = Outcome(ok=False, code=error.code, who=error.detail.get("who", "")), False
        self.answer = Answer(
            ask=asked,
            ok=outcome.ok,
            safe=safe,
            code=outcome.code,
            revision=outcome.revision,
            fence=outcome.fence or 0,
            kept=outcome.kept,
            who=outcome.who,
        )
        await self._look(self._asked_uid())

    async def _look(self, uid: str) -> None:
        self._show(await looking(service.look, uid))
        if self.compared["new"] not in (0, self.report["version"]):
            self.compared = await looking(service.compare, uid, self.compared["old"])

    def _show(self, view: View) -> None:
        """Assign only what changed: the rest does not travel."""
        self._pk = view["pk"]
        for name in ("study", "report", "text", "versions"):
            if getattr(self, name) != view[name]:
                setattr(self, name, view[name])
        if {**self.lock, "now": 0} != {**view["lock"], "now": 0}:
            self.lock = view["lock"]
