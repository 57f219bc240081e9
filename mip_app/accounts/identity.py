"""Who is behind a cookie or a key: the accounts, as the gate and the HTTP guard ask for them."""

import asyncio

from mip_app.accounts import recognising
from mip_app.accounts.remembering import remembered
from mip_app.core.actor import Actor
from mip_app.core.database import glance, read, write


class Accounts:
    """Implements `core.gate.Identify`; `find` serves `core.http.Guard`."""

    async def by_token(self, token: str, address: str, *, active: bool) -> Actor | None:
        return await asyncio.to_thread(self._by_token, token, address, active) if token else None

    async def again(self, actor: Actor) -> Actor | None:
        return await asyncio.to_thread(glance, recognising.actor_again, actor)

    async def find(self, token: str, key: str, address: str) -> Actor | None:
        """A key counts before a cookie: one request never acts with the union of both."""
        if key:
            return await asyncio.to_thread(read, recognising.actor_of_key, recognising.nobody(address), key)
        return await self.by_token(token, address, active=True)

    async def lately(self, token: str, key: str, address: str) -> Actor | None:
        """`find`, a second old at most: for reading what is read a thousand times in a row.

        Activity is noted as by `find`, which is asked again each second.
        """
        if not (key or token):
            return None
        place = (recognising.hash_of(f"key {key}" if key else token), address)
        if (known := remembered.get(place)) is not None:
            return known
        since = remembered.since
        actor = await self.find(token, key, address)
        if actor is not None and not actor.pending:  # a step that is done counts at once
            remembered.put(place, actor, since)
        return actor

    def _by_token(self, token: str, address: str, active: bool) -> Actor | None:
        actor = glance(recognising.actor_of_token, recognising.nobody(address), token)
        if actor and active and recognising.idle_for_long(actor):
            write(recognising.seen, actor)
        return actor
