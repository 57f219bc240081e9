"""The settings of the institution's official account, as its administrator sees them."""

import reflex as rx

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.gate import event
from mip_app.core.settings import settings
from mip_app.sign_in import official_account

SAID = frozenset(
    {
        *("official.saved", "official.removed", "official.no_name", "official.bad_app_id"),
        *("official.bad_secret", "official.bad_token", "official.bad_aes_key"),
    }
)


class OfficialAccountForm(rx.State):
    ready: bool = False
    name: str = ""
    app_id: str = ""
    has_secret: bool = False
    has_token: bool = False
    has_aes_key: bool = False
    callback: str = ""
    said: str = ""
    wrong: bool = False

    @event(Permission.ADMIN_INSTITUTION)
    async def load(self):
        found = await looking(official_account.shown)
        self.name, self.app_id = found.name, found.app_id
        self.has_secret, self.has_token, self.has_aes_key = (
            *(found.has_secret, found.has_token),
            found.has_aes_key,
        )
        self.callback = self._public() + found.callback
        self.said, self.wrong = self._told()
        self.ready = True

    def _public(self) -> str:
        given = settings()
        scheme = "https" if given.secure_cookies else "http"
        return given.public_url.rstrip("/") or f"{scheme}://{self.router.headers.host}"

    def _told(self) -> tuple[str, bool]:
        asked = self.router.url.query_parameters.get("official", "")
        code = asked if asked.startswith("official.") else f"official.{asked}"
        return (code if code in SAID else ""), code not in ("official.saved", "official.removed")
