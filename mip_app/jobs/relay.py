"""Hands due jobs to dramatiq, as long as a process lives that may: the twin of `messages/relay.py`.

Without Redis the broker is a queue in this process, with a few threads that work; with Redis the web processes hand
over and `mip worker` works. A job handed over and lost on the way (a flushed Redis, a restart) is due again.
"""

import asyncio
import hashlib
import logging
import time
from datetime import timedelta
from functools import cache

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from sqlmodel import Session, col, select

from mip_app.accounts.recognising import nobody
from mip_app.core import bus
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.database import read, write
from mip_app.core.settings import settings
from mip_app.jobs import running, service
from mip_app.jobs.models import Job, JobState

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0  # seconds; a new job is heard of at once
ON_THE_WAY = timedelta(minutes=1)  # handed over and not taken up after that: handed over again
AT_ONCE = 100
STOP = 5_000  # milliseconds that what runs has to give itself back


def queue() -> str:
    """Its name: installations that share one Redis do not take each other's."""
    return f"mip-jobs-{hashlib.sha256(settings().database.encode()).hexdigest()[:12]}"


@cache
def broker() -> dramatiq.Broker:
    """No middleware: the row decides about repeating and about time."""
    url = settings().redis_url
    made = RedisBroker(url=url, middleware=[], namespace="mip-dramatiq") if url else StubBroker(middleware=[])
    dramatiq.actor(actor_name="run", queue_name=queue(), broker=made)(running.run_one)
    return made


def worker() -> dramatiq.Worker:
    """Threads of this process that run what is handed over."""
    running.ending.clear()
    made = dramatiq.Worker(broker(), worker_threads=settings().job_threads, worker_timeout=100)
    made.start()
    return made


def stop(working: dramatiq.Worker) -> None:
    """What runs is given back, then the threads end."""
    running.ending.set()
    working.stop(STOP)


async def run() -> None:
    """Run as long as the web process does."""
    works = None if settings().redis_url else await asyncio.to_thread(worker)
    forgot = 0.0
    try:
        async for _ in bus.changes(service.TOPIC, every=LOOK_EVERY):
            try:
                await asyncio.to_thread(hand_over)
                if time.monotonic() - forgot > 3600 or not forgot:
                    forgot = time.monotonic()
                    await asyncio.to_thread(write, lambda session, _: service.forget_old(session), nobody())
            except Exception:  # the database or Redis may be away for a while
                log.exception("due jobs could not be handed over")
    finally:
        if works:
            await asyncio.shield(asyncio.to_thread(stop, works))


def hand_over() -> int:
    """Everything that is due and finds room; how many. The database says to whom it was given before anybody has it."""
    if read(_abandoned, nobody()):
        write(lambda session, _: running.take_back(session), nobody())
    if not (room := _room()) or not read(_due, nobody(), room):
        return 0
    claimed = write(_claim, nobody(), room)
    for job_id in claimed:
        broker().enqueue(broker().get_actor("run").message(job_id))
    return len(claimed)


def _room() -> int:
    """How many more may wait in this process's own queue: the others are as safe in the table."""
    here = broker()
    if not isinstance(here, StubBroker):
        return AT_ONCE
    return max(0, 2 * settings().job_threads - here.queues[queue()].qsize())


def _due(session: Session, actor: Actor, most: int) -> list[Job]:
    return list(
        session.exec(
            select(Job)
            .where(Job.state == JobState.WAITING, col(Job.next_at) <= utc_now())
            .order_by(col(Job.next_at), col(Job.id))
            .limit(most)
        )
    )


def _claim(session: Session, actor: Actor, most: int) -> list[int]:
    until = utc_now() + ON_THE_WAY
    return [
        job.id or 0
        for job in _due(session, actor, most)
        if service.put_off(session, job.id or 0, job.next_at, until)
    ]


def _abandoned(session: Session, actor: Actor) -> bool:
    lapsed = select(Job.id).where(Job.state == JobState.RUNNING, col(Job.next_at) < utc_now()).limit(1)
    return session.exec(lapsed).first() is not None
