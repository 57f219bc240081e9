"""Sends what waits in the outbox, as long as the web process lives.

A message is claimed in one short transaction, sent outside of any, and its outcome written in another. A process
that dies in between leaves the row: it is due again when the claim runs out. So a message may come twice, but
none is lost, and none is sent too late.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from sqlalchemy import update
from sqlmodel import Session, col, select

from mip_app.core import bus
from mip_app.core.clock import utc_now
from mip_app.core.database import engine
from mip_app.core.settings import settings
from mip_app.core.texts import words
from mip_app.messages import outbox
from mip_app.messages.models import OutboxMessage
from mip_app.messages.outbox import Waiting
from mip_app.messages.tencent import NotSent, TencentSms

log = logging.getLogger(__name__)

R = TypeVar("R")

LOOK_EVERY = 5.0  # seconds; a new message is heard of at once
CLAIM = timedelta(seconds=30)  # longer than any sender takes
LONGEST_PAUSE = 60  # seconds between two tries
AT_ONCE = 20


class Sender(Protocol):
    async def send(self, message: Waiting) -> None: ...


def sender() -> Sender | None:
    """Who sends, by the settings; None: the messages wait to be read."""
    url = settings().sms_url
    if url in ("", "outbox"):
        return None
    if url.startswith(("tencent://", "tencent+http://")):
        return TencentSms(settings())
    raise ValueError("MIP_SMS_URL is neither empty nor tencent://…")


async def run() -> None:
    """Run as long as the web process does."""
    sends, seen = sender(), set[str]()
    async for _ in bus.changes(outbox.TOPIC, every=LOOK_EVERY):
        try:
            await asyncio.to_thread(_in_one_transaction, outbox.wipe_late)
            if sends:
                await deliver(sends)
            elif settings().sms_echo:
                await asyncio.to_thread(_say, seen)
        except Exception:  # the database may be away for a while
            log.exception("the outbox could not be looked at")


async def deliver(sends: Sender) -> int:
    """Send everything that is due; how many were tried."""
    tried = 0
    while batch := await asyncio.to_thread(_in_one_transaction, claim):
        await asyncio.gather(*(_send(sends, message) for message in batch))
        tried += len(batch)
    return tried


def claim(session: Session) -> list[Waiting]:
    """Take what is due: nobody else takes it before the claim runs out."""
    now = utc_now()
    due = session.exec(
        select(OutboxMessage)
        .where(col(OutboxMessage.due_at) <= now, OutboxMessage.expires_at > now)
        .order_by(col(OutboxMessage.due_at))
        .limit(AT_ONCE)
    ).all()
    taken = []
    for row in due:
        mine = session.execute(
            update(OutboxMessage)
            .where(col(OutboxMessage.id) == row.id, col(OutboxMessage.due_at) == row.due_at)
            .values(due_at=now + CLAIM, attempts=row.attempts + 1)
            .returning(col(OutboxMessage.id))
            .execution_options(synchronize_session=False)
        )
        if mine.all():
            taken.append(outbox.opened(row))
    return taken


async def _send(sends: Sender, message: Waiting) -> None:
    error, again = "", False
    if message.expires_at <= utc_now():
        return  # the next look wipes it
    try:
        await sends.send(message)
    except NotSent as refused:
        error, again = refused.code, refused.again
        log.warning("message %s not sent: %s", message.id, error)
    await asyncio.to_thread(_in_one_transaction, lambda session: _settle(session, message, error, again))


def _settle(session: Session, message: Waiting, error: str, again: bool) -> None:
    row = session.get_one(OutboxMessage, message.id)
    row.error = error
    if again:
        row.due_at = utc_now() + timedelta(seconds=min(2**row.attempts, LONGEST_PAUSE))
        return
    row.sent_at = None if error else utc_now()
    row.due_at, row.phone, row.parameters = None, "", ""


def _in_one_transaction(work: Callable[[Session], R]) -> R:
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        return work(session)


def _say(seen: set[str]) -> None:
    """On standard output, where the operator of a demo sits; never in the log."""
    with Session(engine(read_only=True)) as session:
        rows = session.exec(select(OutboxMessage).where(col(OutboxMessage.due_at).is_not(None)))
        fresh = [outbox.opened(row) for row in rows if row.id not in seen]
    for message in sorted(fresh, key=lambda message: message.created_at):
        seen.add(message.id)
        print(f"  ✉ {in_words(message)}", flush=True)


def in_words(message: Waiting) -> str:
    """`09:41:07  13800000000  验证码 123456 …`"""
    values = {str(place): value for place, value in enumerate(message.parameters, 1)}
    said = words(f"message.{message.template}", values, "zh")
    return f"{message.created_at.astimezone():%H:%M:%S}  {message.phone}  {said}"
