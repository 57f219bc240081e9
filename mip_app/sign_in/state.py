import reflex as rx

from mip_app.core.gate import Open, event

# The only codes that the sign-in page says; anything else in its address is not shown.
SAID = frozenset({"sign_in.refused", "sign_in.locked", "sign_in.not_admin", "sign_in.no_rights"})


class SignIn(rx.State):
    refused: str = ""
    minutes: str = ""
    ended: bool = False

    @event(Open.TO_ALL)
    async def load(self):
        asked = self.router.url.query_parameters
        code = asked.get("error", "")
        self.refused = code if code in SAID else ""
        minutes = asked.get("minutes", "")
        self.minutes = minutes if minutes.isdigit() and len(minutes) < 4 else "15"
        self.ended = asked.get("ended") == "1"
