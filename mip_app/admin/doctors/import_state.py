"""The preview of one uploaded list, and its taking over."""

import asyncio
from typing import Any

import reflex as rx

from mip_app.accounts import importing, passwords
from mip_app.accounts.importing import Preview
from mip_app.core.actor import Permission
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError
from mip_app.core.gate import event, renewed_actor

TOGETHER = 8  # password hashes made at once: they take their time on purpose


def nothing() -> Preview:
    return Preview(
        good=0,
        bad=0,
        bad_lines=[],
        good_lines=[],
        new_departments=[],
        imported=0,
        done=False,
        passwords=False,
    )


class ListImport(rx.State):
    phase: str = "loading"  # loading, ready, gone
    preview: Preview = nothing()
    departments: str = ""  # those that would be new, in words
    create_departments: bool = False
    running: bool = False
    made: int = 0
    said: str = ""
    key: str = ""  # as in the address

    @event(Permission.ADMIN_ACCOUNTS)
    async def load(self) -> None:
        asked = str(self.router.url.path).rstrip("/").rpartition("/")[2][:100]
        if asked != self.key:
            self.key, self.create_departments, self.said, self.running = asked, False, "", False
        await self._look()

    @event(Permission.ADMIN_ACCOUNTS)
    async def choose_departments(self, create: bool) -> None:
        self.create_departments = create is True
        await self._look()

    @event(Permission.ADMIN_ACCOUNTS)
    async def taken(self) -> None:
        await self._look()

    @event(Permission.ADMIN_ACCOUNTS)
    async def start(self) -> Any:
        if self.running or self.preview["done"] or not self.preview["good"]:
            return None
        self.running, self.made, self.said = True, 0, ""
        return ListImport.run

    @event(Permission.ADMIN_ACCOUNTS, background=True)
    async def run(self) -> None:
        """Passwords first, outside of any transaction; then all people in one."""
        said = ""
        try:
            await self._take_in()
        except MipError as error:
            said = error.code
        async with self:
            self.running, self.said = False, said
            await self._look()

    async def _take_in(self) -> None:
        async with self:
            key, create, wanted = self.key, self.create_departments, self.preview["good"]
        initial: list[tuple[str, str]] = []
        while len(initial) < wanted:
            some = range(min(TOGETHER, wanted - len(initial)))
            initial += await asyncio.gather(*(asyncio.to_thread(passwords.initial_password) for _ in some))
            async with self:
                self.made = len(initial)
        await renewed_actor()
        await changing(importing.take_in, key, initial, create)

    async def _look(self) -> None:
        try:
            self.preview = await looking(importing.preview, self.key, self.create_departments)
        except MipError:
            self.phase, self.preview = "gone", nothing()
            return
        self.departments = "、".join(self.preview["new_departments"][:20])
        self.phase = "ready"
