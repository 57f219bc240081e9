"""What the frame of every page shows: who is signed in, where, and what they may."""

import reflex as rx

from mip_app.core import bus
from mip_app.core.actor import allows, current_actor
from mip_app.core.errors import NotSignedIn
from mip_app.core.gate import Open, Tab, event, renewed_actor
from mip_app.core.http import FORBIDDEN, rule_of_page

LOOK_EVERY = 30.0  # seconds; a sign-in also ends by the clock


class Shell(rx.State):
    name: str = ""
    institution: str = ""
    may: list[str] = []

    @event(Open.TO_SIGNED_IN)
    async def load(self):
        actor = current_actor()
        self.name, self.institution = actor.name, actor.institution_name
        self.may = sorted(actor.permissions)
        return Shell.watch

    @event(Open.TO_SIGNED_IN, background=True, supersedes=True)
    async def watch(self):
        """Blank this tab as soon as its sign-in is over, whoever ended it; show what its person may as of now."""
        async for _ in bus.changes(bus.session_topic(current_actor().session_id), every=LOOK_EVERY):
            try:
                actor = await renewed_actor()
            except NotSignedIn:
                async with self:
                    (await self.get_state(Tab)).ended = "signed_out"
                return
            async with self:
                if self.may != sorted(actor.permissions):
                    self.may = sorted(actor.permissions)
                if not allows(rule_of_page(self.router.url.path.rstrip("/")), actor):
                    yield rx.redirect(FORBIDDEN, replace=True)


def may(permission: str) -> rx.Var[bool]:
    """Whether to show what needs `permission`; the service decides whether it is done."""
    return Shell.may.contains(permission)
