"""How an administration page asks for a change, and says why it was refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import reflex as rx

from mip_app.accounts import passwords
from mip_app.core.database import changing
from mip_app.core.errors import MipError
from mip_app.core.logs import note


class Refusal(rx.State, mixin=True):
    """What was refused last: a key of the catalogue, and the field it is about."""

    trouble: str = ""
    wrong: str = ""  # the field's name
    limit: str = ""  # a number in the text
    newly: str = ""  # another one for each refusal: what is wrong gets the focus

    _refusals: int = 0

    def _forgive(self) -> None:
        self.trouble = self.wrong = self.limit = self.newly = ""

    async def _tried(self, service: Callable[..., Any], *args: Any) -> bool:
        """Whether the change was made."""
        self._forgive()
        try:
            await changing(service, *args)
        except MipError as error:
            self.trouble = error.code
            self.wrong, self.limit = error.detail.get("field", ""), error.detail.get("n", "")
            self._refusals += 1
            self.newly = str(self._refusals)
            return False
        return True


class Listed(Refusal, rx.State, mixin=True):
    """A page that lists something and changes it in dialogs. What is listed `_look` asks for."""

    phase: str = "loading"  # loading, ready, failed
    failure: str = ""  # its number, when failed
    mode: str = ""  # the dialog that is open; '': none

    async def _look(self) -> None:
        raise NotImplementedError

    async def _load(self) -> bool:
        """Whether it can be shown. A failure is said in the page, which offers to try again."""
        try:
            await self._look()
        except Exception as error:
            self.phase, self.failure = "failed", note(error)
            return False
        self.phase = "ready"
        return True

    async def _show(self) -> None:
        """The list as it is now, and no dialog."""
        if await self._load():
            self.mode = ""
            self._forgive()

    async def _do(self, service: Callable[..., Any], *args: Any) -> None:
        """A change that asks for nothing: its refusal is said in the page."""
        done = await self._tried(service, *args)
        self.mode, self.wrong = "", ""
        if done:
            await self._show()


class Secret(rx.State, mixin=True):
    """An initial password, shown once."""

    secret: str = ""
    secret_of: str = ""  # whose: the name they sign in with

    def _keep(self, initial: passwords.InitialPassword, account: str) -> None:
        self.secret, self.secret_of = initial.shown, account

    def _forget(self) -> None:
        self.secret = self.secret_of = ""


async def initial_password() -> passwords.InitialPassword:
    return await asyncio.to_thread(passwords.initial_password)
