"""`mip`: everything an operator does on the command line. Each command is a few lines over the same services."""

import getpass
import sys
from pathlib import Path
from typing import TextIO

import click

from mip_app.core.database import read, write
from mip_app.core.errors import MipError
from mip_app.core.texts import said
from mip_app.demo.command import demo
from mip_app.dimse.command import node
from mip_app.studies.command import grant


@click.group()
def mip() -> None:
    """An open medical imaging platform."""


mip.add_command(demo)
mip.add_command(node)
mip.add_command(grant)


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
@click.option("--again", is_flag=True, help="Read files too that went in before and have not changed.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), metavar="N", help="Processes that read; as many as CPUs, at most 4."
)
def ingest(
    paths: tuple[Path, ...], institution: str, report: TextIO | None, again: bool, jobs: int | None
) -> None:
    """Take in DICOM files, folders, and archives: zip, tar, tar.gz, gz. What went in before is passed over.

    Ends with 0 when all that is DICOM went in, with 1 when something was refused; each is named with its reason.
    What is not DICOM in a folder or an archive is named only.
    """
    from mip_app.ingest import checkers, command

    sys.exit(command.ingest(list(paths), institution, report, again=again, jobs=jobs or checkers.processes()))


@mip.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended; an image is never removed.")
@click.option("--bytes", "whole_files", is_flag=True, help="Read every file whole and compare its SHA-256.")
@click.option(
    "--take-in", is_flag=True, help="Take files without a row in again, after an older database was restored."
)
def doctor(repair: bool, whole_files: bool, take_in: bool) -> None:
    """Compare the database with the stored files, both ways.

    Ends with 0 when all is whole or repaired, with 1 when something is wrong, each named by its UID or key.
    """
    from mip_app.keeping import command

    sys.exit(command.examine(repair=repair, whole_files=whole_files, take_in=take_in))


@mip.command()
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Copy the database, then the files, into FOLDER; files that are there from an earlier backup stay."""
    from mip_app.keeping import command

    command.back_up(folder)


@mip.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
def restore(folder: Path) -> None:
    """Bring the database and the files of a backup back, into an installation that has neither."""
    from mip_app.keeping import command

    command.bring_back(folder)


@mip.command()
@click.option("--parent", type=int, hidden=True, help="End with this process.")
def scp(parent: int | None) -> None:
    """Take images from modalities and archives by DIMSE; `mip run` and `mip demo` do that by themselves."""
    from mip_app.dimse import command

    sys.exit(command.serve(parent))


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


@mip.command()
@click.option("--write", is_flag=True, help="Write them into docs/conformance.md instead.")
def conformance(write: bool) -> None:
    """The DICOM conformance statement, its tables read from the code."""
    from mip_app.serving import conformance as declared

    made = declared.written(declared.DOCUMENT.read_text("utf-8"))
    if write:
        declared.DOCUMENT.write_text(made, "utf-8")
    else:
        click.echo(made, nl=False)


@mip.command()
def worker() -> None:
    """Run jobs (images to other systems), where MIP_REDIS_URL is set; as many as one likes.

    Without Redis the process of `mip run` does that. Ends at once then, with 1.
    """
    from mip_app.jobs import command
    from mip_app.serving import work

    work.load()
    try:
        command.work()
    except command.NothingToDo as error:
        raise click.ClickException(str(error)) from error


@mip.command()
@click.option("--follow", is_flag=True, help="Go on and print messages as they come.")
def outbox(follow: bool) -> None:
    """Print the messages that wait, newest first: codes for phones, where no provider sends them."""
    from mip_app.messages import command

    command.print_waiting(follow)


@mip.group()
def operator() -> None:
    """The platform's operators."""


@operator.command("create")
@click.option("--account", prompt="Account")
@click.option("--name", prompt="Name")
def create_operator(account: str, name: str) -> None:
    """Create an operator, who opens alliances and their administrators and sees no patient data.

    Asks for the password, or reads it from a pipe. Ends with 1 when the account exists or the password is refused.
    """
    from mip_app.accounts import opening
    from mip_app.accounts.models import Role

    write(opening.open_account, opening.CONSOLE, account, name, _new_password(), Role.OPERATOR)
    click.echo(f"Operator {account} can sign in now.")


@operator.command("reset")
@click.option("--account", prompt="Account")
def reset_operator(account: str) -> None:
    """Give an operator a new password; the second factor is off and every sign-in ends.

    Asks for the password, or reads it from a pipe. Ends with 1 when there is no such operator.
    """
    from mip_app.accounts import opening, operators, password_policy, passwords

    own = read(operators.own_words, opening.CONSOLE, account)
    password = _new_password()
    password_policy.require(password, own)
    write(operators.reset_operator, opening.CONSOLE, account, passwords.hashed(password))
    click.echo(f"Operator {account} has a new password; the second factor is off, every sign-in has ended.")


@operator.command("list")
def list_operators() -> None:
    """The operators, one a line: account, name, state, last sign-in (UTC)."""
    from mip_app.accounts import opening, operators

    for one in read(operators.operators, opening.CONSOLE):
        state = "disabled" if one.disabled else "active"
        last = f"{one.last_sign_in_at:%Y-%m-%d %H:%M}" if one.last_sign_in_at else "never signed in"
        click.echo(f"{one.account}\t{one.name}\t{state}\t{last}")


def _new_password() -> str:
    """From a pipe its first line; from a terminal typed twice."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("New password: ")
    if password != getpass.getpass("The same again: "):
        raise click.ClickException("The two passwords differ.")
    return password


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


@mip.group()
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
@click.option("--institution", metavar="CODE", help="Only the log of this institution.")
@click.option("--scope", metavar="SCOPE", help="Only this log: i:<id>, a:<id>, or p for the platform.")
@click.option("--json", "as_json", is_flag=True, help="a line of JSON for each log; writes nothing")
def verify_audit(institution: str | None, scope: str | None, as_json: bool) -> None:
    """Prove that nothing in the logs was changed, taken out, put in or cut off.

    Ends with 0 when all are whole, with 1 when one is not; the first broken entry is named.
    """
    from mip_app.accounts import opening
    from mip_app.audit import command

    scopes = [scope] if scope else []
    if institution:
        scopes = [_scope_of(institution)]
    sys.exit(command.verify(scopes, opening.CONSOLE, as_json=as_json))


@audit.command("accept-restore")
@click.option("--institution", metavar="CODE")
@click.option("--scope", metavar="SCOPE")
@click.option("--reason", prompt="What was restored, and why")
def accept_restore(institution: str | None, scope: str | None, reason: str) -> None:
    """After restoring a backup: let the log go on from where the backup ends. The loss stays on record."""
    from mip_app.accounts import opening
    from mip_app.audit import command

    if not institution and not scope:
        raise click.UsageError("name --institution or --scope")
    which = _scope_of(institution) if institution else scope or ""
    write(command.accept, opening.CONSOLE, which, reason)


def _scope_of(institution: str) -> str:
    from mip_app.accounts import opening
    from mip_app.audit.service import institution_scope

    return institution_scope(write(opening.institution_of_code, opening.CONSOLE, institution))


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
