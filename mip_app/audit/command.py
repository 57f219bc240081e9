"""`mip audit`: proving the chains on the command line."""

import json
import sys
from collections.abc import Callable, Sequence

import click
from sqlmodel import Session

from mip_app.audit import service, verifying
from mip_app.audit.models import Act
from mip_app.audit.verifying import Verdict
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.database import engine, write
from mip_app.core.texts import words


def verify(scopes: Sequence[str], actor: Actor, *, as_json: bool) -> int:
    """Prove each chain; 0 when all are whole, 1 when one is not. That it was done is written into each log.

    `as_json` prints a line of JSON for each and writes nothing: for another process, which answers for it.
    """
    reader = engine(read_only=True)
    broken = 0
    for scope in scopes or verifying.all_scopes(reader):
        verdict = verifying.verify(reader, scope, None if as_json else _progress(scope))
        if as_json:
            click.echo(json.dumps(verdict.as_dict()))
        else:
            click.echo(said(verdict))
            write(noted, actor, verdict)
        broken += not verdict.whole
    return 1 if broken else 0


def noted(session: Session, actor: Actor, verdict: Verdict) -> None:
    """The entry of a verification, in the log that was verified."""
    service.record(
        session,
        actor,
        Act.AUDIT_VERIFIED,
        failed=not verdict.whole,
        scope=verdict.scope,
        entries=verdict.entries,
        unsealed=verdict.unsealed,
        broken=verdict.broken,
        number=verdict.number,
        entry=verdict.entry_id,
    )


def accept(session: Session, actor: Actor, scope: str, reason: str) -> None:
    """Sign the end of a chain as its head, after a backup was restored; its log says so."""
    former, now = verifying.accept_loss(engine(read_only=True), scope, utc_now())
    service.record(
        session, actor, Act.AUDIT_ANCHORED, scope=scope, former=former, number=now, reason=reason[:200]
    )


def said(verdict: Verdict) -> str:
    """A verdict in words, some lines of them."""
    lines = [f"{verdict.scope}: {verdict.entries:,} entries proven"]
    if verdict.entries:
        lines[0] += f", {verdict.first[:19]} to {verdict.last[:19]} UTC"
    lines += [f"  accepted after a restore: {loss}" for loss in verdict.accepted]
    if verdict.whole:
        return "\n".join([*lines, f"  whole; {verdict.unsealed} not sealed yet"])
    at = [f"number {verdict.number}"] if verdict.number else []
    at += [f"entry {verdict.entry_id}"] if verdict.entry_id else []
    what = words(f"audit.broken.{verdict.broken}", {}, "en")
    return "\n".join([*lines, f"  BROKEN at {', '.join(at) or 'the head'}: {what}"])


def _progress(scope: str) -> Callable[[int], None] | None:
    if not sys.stderr.isatty():
        return None
    return lambda done: click.echo(f"\r{scope}: {done:,}", err=True, nl=False)
