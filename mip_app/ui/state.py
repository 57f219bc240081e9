"""What the frame of every page shows: who is signed in, where, and what they may."""

import reflex as rx

from mip_app.core import bus
from mip_app.core.actor import Actor, allows, current_actor
from mip_app.core.errors import NotSignedIn
from mip_app.core.gate import Open, Tab, event, renewed_actor
from mip_app.core.http import rule_of_page
from mip_app.core.i18n import language, t
from mip_app.core.logs import note

LOOK_EVERY = 30.0  # seconds; a sign-in also ends by the clock


class Shell(rx.State):
    name: str = ""
    place: str = ""  # the institution, for its administrators the alliance; '' is the platform
    place_en: str = ""
    may: list[str] = []

    @event(Open.TO_SIGNED_IN)
    async def load(self):
        self._show(current_actor())
        return Shell.watch

    @event(Open.TO_SIGNED_IN, background=True, supersedes=True)
    async def watch(self):
        """Blank this tab as soon as its sign-in is over or may not see its page, whoever changed that."""
        async for _ in bus.changes(bus.session_topic(current_actor().session_id), every=LOOK_EVERY):
            try:
                actor = await renewed_actor()
            except NotSignedIn:
                actor = None
            except (
                Exception
            ) as error:  # the database may be away for a while: look again with the next change
                note(error)
                continue
            async with self:
                if why := _over(actor, self.router.url.path):
                    (await self.get_state(Tab)).ended = why
                    return
                self._show(actor)

    def _show(self, actor: Actor) -> None:
        self.name = actor.name
        self.place, self.place_en = actor.institution_name, actor.institution_name_en
        if actor.institution_id is None:
            self.place, self.place_en = actor.alliance_name, actor.alliance_name_en
        self.may = sorted(actor.permissions)


def _over(actor: Actor | None, path: str) -> str:
    """Why a tab that shows `path` has to start anew, or ''."""
    if actor is None or actor.pending:
        return "pending" if actor else "signed_out"
    return "" if allows(rule_of_page(path.rstrip("/")), actor) else "other"


def may(permission: str) -> rx.Var[bool]:
    """Whether to show what needs `permission`; the service decides whether it is done."""
    return Shell.may.contains(permission)


def place_name() -> rx.Var[str]:
    """Where one works: institution, alliance or platform; nothing before it is known."""
    return rx.cond(Shell.name != "", named_place(Shell.place, Shell.place_en), "")


def named_place(name: rx.Var[str], name_en: rx.Var[str]) -> rx.Var[str]:
    """A place in the reader's language where it has a name in it; the platform has none of its own."""
    return rx.cond(name != "", in_language(name, name_en), t("ui.platform"))


def in_language(name: rx.Var[str], name_en: rx.Var[str]) -> rx.Var[str]:
    return rx.cond((language() == "en") & (name_en != ""), name_en, name)
