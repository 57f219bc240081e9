"""What pages show of WeChat and WeCom: the ways there are, what was refused, what is bound."""

from typing import TypedDict

import reflex as rx

from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError
from mip_app.core.gate import Open, event
from mip_app.sign_in import identities
from mip_app.sign_in.entering import is_path
from mip_app.sign_in.external_api import BINDING

# The only codes of ours that an address may make a page say.
SAID = frozenset(
    {
        *("external.away", "external.too_many", "external.refused", "external.over", "external.cancelled"),
        *("external.not_member", "external.no_entry", "external.bound_elsewhere", "external.binding_over"),
    }
)


class BoundLine(TypedDict):
    provider: str
    at: str


class External(rx.State):
    """The sign-in page's part."""

    kinds: list[str] = []
    bind: str = ""  # of which provider an identity waits for the account's password
    refused: str = ""
    kind: str = ""  # who refused it

    @event(Open.TO_ALL)
    async def load(self):
        asked = self.router.url.query_parameters
        self.kinds = identities.external_kinds()
        self.bind = asked.get("bind", "") if asked.get("bind") in self.kinds else ""
        self.refused = asked.get("error", "") if asked.get("error") in SAID else ""
        self.kind = asked.get("kind", "") if asked.get("kind") in self.kinds else ""


class BindPage(rx.State):
    """Asks whether the identity that waits in this browser is the person's own."""

    phase: str = ""  # ask, or the code of what is to say
    provider: str = ""
    next: str = "/"

    @event(Open.TO_SIGNED_IN)
    async def load(self):
        asked = self.router.url.query_parameters
        self.next = asked.get("next", "") if is_path(asked.get("next", "")) else "/"
        self.provider = await looking(identities.waiting, _cookie(self.router.headers.cookie, BINDING))
        error = asked.get("error", "")
        self.phase = error if error in SAID else ("ask" if self.provider else "external.binding_over")


class Identities(rx.State):
    """The account page's part: what is bound."""

    rows: list[BoundLine] = []
    addable: list[str] = []
    refused: str = ""

    _ids: list[int] = []

    @event(Open.TO_SIGNED_IN)
    async def load(self):
        found = await looking(identities.bound)
        self._ids = [one.id for one in found]
        self.rows = [BoundLine(provider=one.provider, at=f"{one.at:%Y-%m-%d}") for one in found]
        has = {one.provider for one in found}
        self.addable = [kind for kind in identities.external_kinds() if kind not in has]

    @event(Open.TO_SIGNED_IN)
    async def unbind(self, number: int):
        own = isinstance(number, int) and 0 <= number < len(self._ids)
        try:
            await changing(identities.unbind, self._ids[number] if own else 0)
            self.refused = ""
        except MipError as error:
            self.refused = error.code
        return Identities.load


def _cookie(header: str, name: str) -> str:
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return next((value for key, _, value in pairs if key == name), "")
