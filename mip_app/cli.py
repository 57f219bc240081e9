"""`mip`: everything an operator does on the command line. Each command is a few lines over the same services."""

import getpass
import sys
from pathlib import Path
from typing import TextIO

import click

from mip_app.core.database import write
from mip_app.core.errors import MipError
from mip_app.core.texts import said
from mip_app.demo.command import demo


@click.group()
def mip() -> None:
    """An open medical imaging platform."""


mip.add_command(demo)


@mip.command()
def run() -> None:
    """Build what changed, migrate, and serve."""
    from mip_app.serving import start

    start.serve()


@mip.command()
def build() -> None:
    """Build the front end when something changed."""
    from mip_app.serving import bundle, start

    if not bundle.is_current():
        start.step("building the front end", bundle.build)


@mip.command()
def migrate() -> None:
    """Bring the database to this version's tables."""
    from mip_app.serving.migration import migrate as run_migrations

    run_migrations()


@mip.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path))
@click.option("--institution", required=True, metavar="CODE", help="Whose images they are.")
@click.option(
    "--report", type=click.File("w", "utf-8", lazy=False), help="A line of JSON for each file as it is done."
)
def ingest(paths: tuple[Path, ...], institution: str, report: TextIO | None) -> None:
    """Take in DICOM files, folders and zip archives.

    Ends with 0 when all that is DICOM went in, with 1 when something was refused; each is named with its reason.
    What is not DICOM in a folder or an archive is named only.
    """
    from mip_app.ingest import command

    sys.exit(command.ingest(list(paths), institution, report))


@mip.command()
@click.argument("what_changes")
def revision(what_changes: str) -> None:
    """Write a migration from the difference between the tables and the database; read it before you keep it."""
    from mip_app.serving.migration import write_revision

    write_revision(what_changes)


@mip.command()
@click.option("--write", is_flag=True, help="Write it to docs/permissions.md instead.")
def permissions(write: bool) -> None:
    """Who may do what: every role, page, route, event handler and service with its rule."""
    from mip_app.serving import permissions as declared

    if write:
        declared.DOCUMENT.write_text(declared.written(), "utf-8")
    else:
        click.echo(declared.written(), nl=False)


@mip.group()
def operator() -> None:
    """The platform's operators."""


@operator.command("create")
@click.option("--account", prompt="Account")
@click.option("--name", prompt="Name")
def create_operator(account: str, name: str) -> None:
    """Create an operator, who opens alliances and institutions. Asks for the password, or reads it from a pipe."""
    from mip_app.accounts import opening
    from mip_app.accounts.models import Role

    piped = not sys.stdin.isatty()
    password = (
        sys.stdin.readline().strip() if piped else getpass.getpass("Password (at least 8 characters): ")
    )
    write(opening.open_account, opening.CONSOLE, account, name, password, Role.OPERATOR)
    click.echo(f"Operator {account} can sign in now.")


@mip.group()
def apikey() -> None:
    """Keys for DICOMweb clients and gateways."""


@apikey.command("create")
@click.option("--institution", required=True, metavar="CODE")
@click.option("--name", default="command line")
def create_api_key(institution: str, name: str) -> None:
    """Print a new key for an institution, alone on standard output; it is not shown again."""
    from mip_app.accounts import opening

    institution_id = write(opening.institution_of_code, opening.CONSOLE, institution)
    click.echo(write(opening.create_api_key, opening.CONSOLE, institution_id, name))


def main() -> None:
    from mip_app.serving.start import CannotStart

    try:
        mip(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except MipError as error:
        click.echo(said(error), err=True)
        sys.exit(1)
    except CannotStart as error:
        click.echo(f"\n\n{error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
