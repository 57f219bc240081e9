from typing import TypedDict

import reflex as rx

from mip_app.core.actor import Actor, Side, current_actor
from mip_app.core.database import looking
from mip_app.core.gate import Open, event
from mip_app.sign_in.places import Place, places


class Offer(TypedDict):
    """One way to go on: another institution, or the other side of this one."""

    membership: str
    side: str
    name: str
    name_en: str


class Places(rx.State):
    here: str = ""
    here_en: str = ""
    elsewhere: list[Offer] = []
    across: list[Offer] = []  # at most one

    @event(Open.TO_SIGNED_IN)
    async def load(self) -> None:
        actor = current_actor()
        found = await looking(places)
        here = next((p for p in found if p.membership_id == actor.membership_id), None)
        self.here, self.here_en = (here.name, here.name_en) if here else ("", "")
        self.elsewhere = [_offer(p, actor.side) for p in found if p.membership_id != actor.membership_id]
        self.across = [
            offer for p in found if p.membership_id == actor.membership_id for offer in _across(p, actor)
        ]


def _offer(place: Place, wanted: Side) -> Offer:
    side = wanted if wanted in place.sides else place.sides[0]
    return {
        "membership": str(place.membership_id),
        "side": side.value,
        "name": place.name,
        "name_en": place.name_en,
    }


def _across(place: Place, actor: Actor) -> list[Offer]:
    return [_offer(place, side) for side in place.sides if side is not actor.side]
