"""Proving one's own log from the page: in a process of its own, since a million links keep a processor busy."""

import asyncio
import json
import sys

from sqlmodel import Session

from mip_app.audit.command import noted
from mip_app.audit.service import scope_of
from mip_app.audit.verifying import Verdict
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import MipError

_running: dict[str, asyncio.Lock] = {}


class NotProven(MipError):
    """The proof itself did not run."""

    code = "audit.not_proven"


@needs(Permission.AUDIT_READ)
async def prove(actor: Actor) -> Verdict:
    """One at a time for each log. Raises NotProven, NotPermitted."""
    scope = scope_of(actor)
    async with _running.setdefault(scope, asyncio.Lock()):
        command = (sys.executable, "-m", "mip_app.cli", "audit", "verify", "--json", "--scope", scope)
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            said, _ = await process.communicate()
        except asyncio.CancelledError:  # the page has gone
            process.kill()
            raise
    try:
        return Verdict(**json.loads(said))
    except (ValueError, TypeError) as error:
        raise NotProven() from error


@needs(Permission.AUDIT_READ)
def proven(session: Session, actor: Actor, verdict: Verdict) -> None:
    """Write down in the log what its proof found."""
    if verdict.scope == scope_of(actor):
        noted(session, actor, verdict)
