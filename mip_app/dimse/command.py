"""`mip scp` and `mip node`."""

import signal
import sys

import click

from mip_app.accounts import opening
from mip_app.core.database import read, write
from mip_app.core.settings import settings
from mip_app.dimse import registering


def serve(parent: int | None) -> int:
    """Take images by DIMSE until told to end; the exit code. `parent`: end with this process."""
    from mip_app.dimse import workers

    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        workers.end_with(parent)
    try:
        sockets = workers.listening(wait=5.0 if parent is not None else 0.0)
    except (workers.NoPort, OSError) as error:
        print(f"DIMSE: {error}", file=sys.stderr)
        return 1
    if parent is None:
        for one in sockets:
            port = one.socket.getsockname()[1]
            print(said(port, one.tls is not None), flush=True)
    workers.Workers(sockets).run()
    return 0


def said(port: int, tls: bool) -> str:
    kind, wanted = (" (TLS)", settings().dimse_tls_port) if tls else ("", settings().dimse_port)
    other = f"; port {wanted} is taken" if port != wanted else ""
    return f"  DIMSE{kind}: AE title {settings().dimse_ae_title}, port {port}{other}"


@click.group()
def node() -> None:
    """The applications that may send and fetch images by DIMSE."""


@node.command("add")
@click.option("--institution", required=True, metavar="CODE", help="Whose images it sends.")
@click.option("--ae-title", required=True)
@click.option("--address", required=True, help="IP address or network that it calls from.")
@click.option("--port", default=0, help="Where it listens, when it does.")
@click.option("--name", default="", help="For people: CT 1.")
@click.option("--only-called", is_flag=True, help="It may not store; images are sent to it.")
@click.option("--query", is_flag=True, help="It may search (C-FIND).")
@click.option("--retrieve", is_flag=True, help="It may fetch (C-MOVE, C-GET).")
def add(
    institution: str,
    ae_title: str,
    address: str,
    port: int,
    name: str,
    only_called: bool,
    query: bool,
    retrieve: bool,
) -> None:
    """Register a scanner or an archive. It may store at once, and what else is said."""
    key = write(opening.institution_of_code, opening.CONSOLE, institution)
    write(
        registering.register,
        opening.CONSOLE,
        key,
        ae_title,
        address,
        name=name,
        port=port,
        may_store=not only_called,
        may_query=query,
        may_retrieve=retrieve,
    )
    if not only_called:
        click.echo(f"{ae_title} from {address} may send to {settings().dimse_ae_title}.")


@node.command("list")
def show() -> None:
    """The nodes, one a line: institution, AE title, address, port, what it may, state, last seen (UTC), name."""
    for one, code in read(registering.registered, opening.CONSOLE):
        may = [
            word
            for word, allowed in (
                ("store", one.may_store),
                ("query", one.may_query),
                ("retrieve", one.may_retrieve),
            )
            if allowed
        ]
        last = f"{one.last_seen_at:%Y-%m-%d %H:%M}" if one.last_seen_at else "never seen"
        state = "disabled" if one.disabled else "active"
        click.echo(
            "\t".join((code, one.ae_title, one.address, str(one.port), ",".join(may), state, last, one.name))
        )
