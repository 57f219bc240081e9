"""Whether this process serves."""

import asyncio

from fastapi import APIRouter, Depends
from sqlmodel import Session

from mip_app.accounts.recognising import nobody
from mip_app.core import bus
from mip_app.core.actor import Actor
from mip_app.core.database import read
from mip_app.core.gate import Open
from mip_app.core.http import Needs

router = APIRouter()


@router.get("/healthz", dependencies=[Depends(Needs(Open.TO_ALL))])
async def healthz() -> dict[str, str]:
    await asyncio.to_thread(read, _answers, nobody())
    return {"status": "serving"}


def _answers(session: Session, actor: Actor) -> bool:
    return bus.reachable(session)
