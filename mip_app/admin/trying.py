"""How an administration page asks for a change, and says why it was refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import reflex as rx

from mip_app.accounts import passwords
from mip_app.core.database import changing
from mip_app.core.errors import MipError


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
