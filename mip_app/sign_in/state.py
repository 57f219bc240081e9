import reflex as rx

from mip_app.core.database import changing
from mip_app.core.errors import MipError
from mip_app.core.gate import Open, event
from mip_app.core.settings import settings
from mip_app.sign_in import qr

# The only codes that the sign-in page says; anything else in its address is not shown.
SAID = frozenset(
    {
        "sign_in.busy",
        "sign_in.locked",
        "sign_in.no_rights",
        "sign_in.not_admin",
        "sign_in.password_again",
        "sign_in.qr_gone",
        "sign_in.refused",
        "sign_in.too_many_codes",
    }
)
_ENDS = {"sign_in.qr_gone": "gone", "sign_in.qr_by_qr": "by_qr"}


class SignIn(rx.State):
    refused: str = ""
    minutes: str = ""
    ended: bool = False
    second_factor: bool = False  # what the administration asks for
    idle_minutes: int = 15

    @event(Open.TO_ALL)
    async def load(self):
        asked = self.router.url.query_parameters
        code = asked.get("error", "")
        self.refused = code if code in SAID else ""
        minutes = asked.get("minutes", "")
        self.minutes = minutes if minutes.isdigit() and len(minutes) < 4 else "15"
        self.ended = asked.get("ended") == "1"
        self.second_factor = settings().admin_second_factor
        self.idle_minutes = settings().admin_idle_minutes


class Approval(rx.State):
    """The phone's side of signing in by QR code."""

    phase: str = "loading"  # loading, ready, approved, refused, gone, by_qr, not_here
    device: str = ""
    address: str = ""
    network: str = ""
    minutes: int = 0

    _code: str = ""

    @event(Open.TO_SIGNED_IN)
    async def load(self) -> None:
        self._code = str(self.router.url.query_parameters.get("code", ""))
        try:
            asking = await changing(qr.scan, self._code)
        except MipError as error:
            self.phase = _ENDS.get(error.code, "not_here")
            return
        self.device, self.address = asking.device, asking.address
        self.network, self.minutes = asking.network, asking.minutes
        self.phase = "ready"

    @event(Open.TO_SIGNED_IN)
    async def approve(self) -> None:
        await self._decide(True)

    @event(Open.TO_SIGNED_IN)
    async def refuse(self) -> None:
        await self._decide(False)

    async def _decide(self, yes: bool) -> None:
        if self.phase != "ready":
            return  # a second tap, or one replayed after the network was away
        try:
            await changing(qr.decide, self._code, yes)
            self.phase = "approved" if yes else "refused"
        except MipError as error:
            self.phase = _ENDS.get(error.code, "not_here")
