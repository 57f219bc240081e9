"""`mip outbox`: what waits, in words, for whoever sits at the server."""

import time

import click

from mip_app.core.actor import ADMINISTRATIVE, Actor, Side
from mip_app.core.database import read
from mip_app.messages import outbox, relay

# Acts on the server's command line: whoever has the machine has the data.
_CONSOLE = Actor(None, "console", None, ADMINISTRATIVE, side=Side.ADMIN)
LOOK_EVERY = 1.0


def print_waiting(follow: bool) -> None:
    """Newest first; with `follow` go on with those that come, until Ctrl-C."""
    seen = set[str]()
    found = read(outbox.waiting, _CONSOLE)
    while True:
        for message in found:
            seen.add(message.id)
            click.echo(relay.in_words(message))
        if not follow:
            return
        time.sleep(LOOK_EVERY)
        found = [m for m in reversed(read(outbox.waiting, _CONSOLE)) if m.id not in seen]
