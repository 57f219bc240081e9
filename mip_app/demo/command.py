"""`mip demo`: serve with demo data, and tell its accounts."""

import json
import os
import subprocess
import sys
import time
import unicodedata

import click

from mip_app.core.settings import settings
from mip_app.serving import start
from mip_app.serving.migration import migrate


@click.group(invoke_without_command=True)
@click.pass_context
def demo(context: click.Context) -> None:
    """Build what changed, make the demo data once, and serve."""
    if context.invoked_subcommand is None:
        os.environ.setdefault(
            "MIP_SMS_ECHO", "true"
        )  # no provider sends the codes of a demo: they are said here
        settings.cache_clear()
        start.serve(before=_make_data_apart, after=tell_accounts)


@demo.command("seed")
def seed_only() -> None:
    """Make the demo data without serving."""
    migrate()
    make_data()


@demo.command()
@click.option("--json", "as_json", is_flag=True, help="as a list of objects")
def accounts(as_json: bool) -> None:
    """The demo's accounts with this installation's passwords."""
    if as_json:
        from mip_app.demo import notes

        keys = ("account", "password", "role", "institution")
        click.echo(json.dumps([{k: entry[k] for k in keys} for entry in notes.note().get("accounts", [])]))
    else:
        tell_accounts()


def _make_data_apart() -> None:
    """In a process of its own: what making images needs of memory is not the server's to carry."""
    from mip_app.demo import notes

    if notes.is_whole():
        print("  demo data: unchanged", flush=True)
    elif subprocess.run([sys.executable, "-m", "mip_app.cli", "demo", "seed"]).returncode:
        raise start.CannotStart(
            "The demo data was not made. Run the same command again: it goes on where it stopped."
        )


def make_data() -> None:
    from mip_app.demo import notes, seed

    if notes.is_whole():
        print("  demo data: unchanged", flush=True)
        return
    begun = time.monotonic()
    live = sys.stdout.isatty()

    def progress(done: int, whole: int) -> None:
        if live or done == whole:
            print(f"\r  demo data: {done} of {whole} studies", end="" if done < whole else "", flush=True)

    if not live:
        print("  making the demo data (about a minute) …", flush=True)
    seed.seed(progress)
    print(f" … {time.monotonic() - begun:.1f} s", flush=True)


def tell_accounts() -> None:
    from mip_app.demo import notes

    rows = [
        (entry["account"], entry["password"], entry["role"], _where(entry["account"]))
        for entry in notes.note().get("accounts", [])
    ]
    rows.insert(0, ("account", "password", "role", "institution"))
    widths = [max(_width(row[column]) for row in rows) for column in range(3)]
    print()
    for row in rows:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, [*widths, 0], strict=True))
        print("  " + "  ".join(cells).rstrip())
    print(
        "\n  Administrators sign in by 管理员登录 (Administrator sign-in) at the foot of the page."
        "\n  A code that goes to a phone is said here.",
        flush=True,
    )


def _where(account: str) -> str:
    """The places of one account of the demo, and what is to be known of it."""
    from mip_app.demo import catalogue

    titles = {one.code: one.name for one in catalogue.INSTITUTIONS}
    person = next((one for one in catalogue.ACCOUNTS if one.account == account), None)
    if person is None or person.role == "operator":
        return ""
    places = [titles.get(person.institution, catalogue.ALLIANCE), *(titles[code] for code, _ in person.also)]
    return ", ".join(places) + (" (first sign-in)" if person.first_login else "")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
