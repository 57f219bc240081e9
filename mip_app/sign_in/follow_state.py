"""First sign-in: the code to scan, and what became of it."""

import reflex as rx

from mip_app.core import bus
from mip_app.core.actor import current_actor
from mip_app.core.database import changing, looking
from mip_app.core.errors import MipError, NotSignedIn
from mip_app.core.gate import Open, event, renewed_actor
from mip_app.sign_in import follow
from mip_app.sign_in.official import code_of_scene
from mip_app.sign_in.qr_image import drawn

LOOK_EVERY = 15.0  # seconds; a code also ends by the clock


class FollowStep(rx.State):
    name: str = ""  # the official account that may be followed
    image: str = ""
    phase: str = ""  # waiting, done, elsewhere, over
    refused: str = ""

    @event(Open.TO_ENTERING)
    async def load(self):
        self.image = self.phase = self.refused = ""
        self.name = await looking(follow.offered)
        return FollowStep.watch if self.name else None

    @event(Open.TO_ENTERING)
    async def show_code(self):
        try:
            account, scene = await changing(follow.begin)
            text = await code_of_scene(account, scene, int(follow.KEEP.total_seconds()))
        except MipError as error:
            self.image, self.phase, self.refused = "", "", error.code
            return
        self.image, self.phase, self.refused = drawn(text), "waiting", ""

    @event(Open.TO_ENTERING, background=True, supersedes=True)
    async def watch(self):
        """WeChat tells the server, the server tells this page."""
        async for _ in bus.changes(follow.follow_topic(current_actor().user), every=LOOK_EVERY):
            try:
                await renewed_actor()
                found = await looking(follow.outcome)
            except (NotSignedIn, MipError):
                return
            async with self:
                self.phase = found if self.image else ""
            if found == "done":
                return
