"""What other processes said is kept for an hour, not for ever."""

import asyncio
from datetime import timedelta

from sqlmodel import Session, select

from mip_app.core import bus
from mip_app.core.clock import utc_now
from mip_app.core.database import engine
from tests.loops import run


def topics() -> list[str]:
    with Session(engine()) as session:
        return sorted(session.exec(select(bus.Change.topic)))


def test_a_process_that_follows_forgets_what_is_older_than_an_hour(db):
    with Session(engine()) as session, session.begin():
        for topic, age in (("old", timedelta(hours=2)), ("new", timedelta(minutes=1))):
            session.add(bus.Change(topic=topic, origin="another", at=utc_now() - age))

    async def until_forgotten() -> None:
        following = asyncio.create_task(bus.follow(engine()))
        while "old" in await asyncio.to_thread(topics):
            await asyncio.sleep(0.01)  # waits for its work, not for the clock
        following.cancel()

    run(asyncio.wait_for(until_forgotten(), 60))
    assert topics() == ["new"]
