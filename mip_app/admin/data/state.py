"""Data maintenance as one tab has it open."""

import asyncio
from collections.abc import Callable
from typing import Any

import reflex as rx

from mip_app.accounts import entries
from mip_app.accounts.entries import form_of
from mip_app.admin.trying import Listed
from mip_app.core import bus
from mip_app.core.actor import Permission, current_actor
from mip_app.core.database import looking
from mip_app.core.errors import MipError, NotPermitted, NotSignedIn
from mip_app.core.gate import event, renewed_actor
from mip_app.core.logs import note
from mip_app.maintenance import changing, conflicts, erasures, finding, quarantine
from mip_app.maintenance.conflicts import ChangeRow, ConflictRow
from mip_app.maintenance.erasures import ErasureRow
from mip_app.maintenance.finding import NO_STUDY, NOBODY, FoundStudy, Who
from mip_app.maintenance.quarantine import AsideRow, Comparison, Version
from mip_app.studies.patients import maintenance_topic

TABS = ("conflicts", "aside", "erasures")
LOOK_AT_MOST = 1.0  # seconds between looks
_NO_VERSION = Version(bytes=0, size="", received="", sender="", digest="")
_NO_COMPARISON = Comparison(
    kept=_NO_VERSION, aside=_NO_VERSION, differences=[], more=0, pixels=False, replaceable=False
)


class DataPage(Listed, rx.State):
    tab: str = "conflicts"
    counts: dict[str, int] = {}  # what waits, by tab

    conflicts: list[ConflictRow] = []
    changes: list[ChangeRow] = []
    asides: list[AsideRow] = []
    erasures: list[ErasureRow] = []
    searched: str = ""  # what was looked for
    found: list[FoundStudy] = []

    key: str = ""  # of what the dialog is about
    first: Who = NOBODY  # of a conflict, or whom the dialog is about
    other: Who = NOBODY
    study: FoundStudy = NO_STUDY
    comparison: Comparison = _NO_COMPARISON
    seen: int = 0  # instances that the confirmation of a deletion was shown
    extent: dict[str, str] = {}  # what a deletion would take, for its dialog

    @event(Permission.ADMIN_DATA)
    async def load(self) -> Any:
        self.mode = ""
        await self._load()
        return DataPage.watch

    @event(Permission.ADMIN_DATA)
    async def choose(self, tab: str) -> None:
        if tab in TABS:
            self.tab = tab
            self._forgive()
            await self._load()

    @event(Permission.ADMIN_DATA)
    async def search(self, sent: dict[str, Any]) -> None:
        self.searched = str(form_of(sent).get("words", ""))[:64]
        self.found = await looking(finding.found, self.searched)

    @event(Permission.ADMIN_DATA)
    async def open(self, mode: str, key: str) -> None:
        """The dialog `mode` about the row `key`, which the page shows; anything else opens nothing."""
        self._forgive()
        opening: dict[str, Callable[[str], Any]] = {
            **dict.fromkeys(("merge", "apart"), self._open_conflict),
            **dict.fromkeys(("correct", "accession", "move", "ask"), self._open_study),
            **dict.fromkeys(("compare", "discard", "replace"), self._open_aside),
            **dict.fromkeys(("confirm", "cancel"), self._open_erasure),
            "undo": self._open_change,
        }
        if mode not in opening:
            return
        try:
            there = await opening[mode](str(key))
        except MipError as error:
            self.trouble, there = error.code, False
        if there:
            self.mode, self.key = mode, str(key)

    @event(Permission.ADMIN_DATA)
    async def close(self) -> None:
        self.mode = ""

    @event(Permission.ADMIN_DATA)
    async def submit(self, sent: dict[str, Any]) -> None:
        form = form_of(sent)
        why = form.get("why", "")
        number, person, uid = entries.key(self.key), entries.key(self.first["key"]), self.study["uid"]
        asked: dict[str, tuple[Any, ...]] = {
            "merge": (conflicts.merge, number, form.get("keep") == "other", why),
            "apart": (conflicts.keep_apart, number, form.get("patient_id"), form.get("issuer", ""), why),
            "correct": (conflicts.correct, person, form, why),
            "accession": (conflicts.correct_accession, uid, form.get("accession", ""), why),
            "move": (conflicts.move, uid, form.get("patient_id"), form.get("issuer", ""), why),
            "undo": (changing.undo, number),
            "discard": (quarantine.discard, number),
            "replace": (quarantine.replace, number),
            "ask": (erasures.ask, uid, why),
            "confirm": (erasures.confirm, number, self.seen),
            "cancel": (erasures.cancel, number),
        }
        if self.mode in asked and await self._tried(*asked[self.mode]):
            self.mode = ""
            await self._load()

    @event(Permission.ADMIN_DATA, background=True, supersedes=True)
    async def watch(self) -> None:
        """Show what others decide, and what arrives."""
        async for _ in bus.changes(maintenance_topic(current_actor().institution)):
            try:
                await renewed_actor()
                async with self:
                    if self.phase != "loading":
                        await self._load()
            except (NotSignedIn, NotPermitted):
                return
            except Exception as error:  # the database may be away: look again with the next change
                note(error)
            await asyncio.sleep(LOOK_AT_MOST)

    async def _open_conflict(self, key: str) -> bool:
        row = next((one for one in self.conflicts if one["key"] == key), None)
        if row is not None:
            self.first, self.other, self.study = row["first"], row["other"], row["study"]
        return row is not None

    async def _open_study(self, key: str) -> bool:
        row = next((one for one in self.found if one["uid"] == key), None)
        if row is not None:
            self.first, self.study = row["who"], row
            await self._measure(key)
        return row is not None

    async def _open_aside(self, key: str) -> bool:
        row = next((one for one in self.asides if one["key"] == key), None)
        if row is not None:
            self.study = row["study"]
            self.comparison = await looking(quarantine.compared, int(key))
        return row is not None

    async def _open_erasure(self, key: str) -> bool:
        row = next((one for one in self.erasures if one["key"] == key), None)
        if row is not None:
            self.study, self.seen = row["study"], row["instances"]
            if row["study"]["uid"]:
                await self._measure(row["uid"])
        return row is not None

    async def _open_change(self, key: str) -> bool:
        return any(one["key"] == key and not one["undone"] for one in self.changes)

    async def _measure(self, uid: str) -> None:
        size = await looking(erasures.extent, uid)
        self.extent = {
            "series": str(size.series),
            "instances": f"{size.instances:,}",
            "size": finding.size_of(size.bytes),
            "aside": str(size.aside) if size.aside else "",
            "versions": str(size.versions) if size.versions else "",
            "report": size.report,
            "deletable": "1" if size.deletable else "",
        }

    async def _look(self) -> None:
        self.conflicts = await looking(conflicts.listed)
        self.changes = await looking(conflicts.history)
        self.asides = await looking(quarantine.listed)
        self.erasures = await looking(erasures.listed)
        self.counts = {
            "conflicts": await looking(conflicts.count),
            "aside": await looking(quarantine.count),
            "erasures": await looking(erasures.waiting_count),
        }
        if self.searched:
            self.found = await looking(finding.found, self.searched)
