"""`mip grant`."""

from datetime import UTC, datetime

import click

from mip_app.accounts import opening
from mip_app.core.clock import utc_now
from mip_app.core.database import read, write
from mip_app.studies import grants
from mip_app.studies.grants import Verb, Wanted


@click.group()
def grant() -> None:
    """What institutions let one another, and people there, see of their studies."""


@grant.command("give")
@click.option("--institution", required=True, metavar="CODE", help="Whose studies.")
@click.option("--to", required=True, metavar="CODE", help="The institution that may see them.")
@click.option("--person", default="", metavar="ACCOUNT", help="There, this person alone.")
@click.option("--study", default="", metavar="UID", help="One study, or")
@click.option("--patient", default="", metavar="ID", help="all studies of a patient that there are,")
@click.option("--issuer", default="", help="(who issued that ID, where files say so)")
@click.option("--future", is_flag=True, help="and those that come later.")
@click.option(
    "--verb",
    "verbs",
    multiple=True,
    type=click.Choice([verb.value for verb in Verb]),
    help="What they may do besides looking, where their role allows it; may be given several times.",
)
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="UTC; else until withdrawn."
)
@click.option("--reason", required=True, help="Why.")
def give(
    institution: str,
    to: str,
    person: str,
    study: str,
    patient: str,
    issuer: str,
    future: bool,
    verbs: tuple[str, ...],
    until: datetime | None,
    reason: str,
) -> None:
    """Grant a study, or a patient's studies; prints the number of the grant."""
    whose = write(opening.institution_of_code, opening.CONSOLE, institution)
    wanted = Wanted(
        to_institution=write(opening.institution_of_code, opening.CONSOLE, to),
        to_user=read(grants.person_of, opening.CONSOLE, person) if person else None,
        study_uid=study,
        patient_id=patient,
        issuer=issuer,
        future=future,
        verbs=[Verb(verb) for verb in verbs],
        until=until.replace(tzinfo=UTC) if until else None,
        reason=reason,
    )
    click.echo(write(grants.give_for, opening.CONSOLE, whose, wanted))


@grant.command("withdraw")
@click.argument("number", type=int)
def withdraw(number: int) -> None:
    """Take a grant back, by its number; it counts at once."""
    write(grants.withdraw_any, opening.CONSOLE, number)


@grant.command("list")
def show() -> None:
    """The grants, one a line, the last first: number, whose, to whom, on what, verbs, until (UTC), state, by, why."""
    now = utc_now()
    for one in read(grants.listed_all, opening.CONSOLE):
        row = one.grant
        what = f"study {one.study_uid}" if one.study_uid else f"patient {row.patient_pk}"
        words = (
            str(row.id),
            one.whose,
            f"{one.to}/{one.person}" if one.person else one.to,
            what + (" and future" if row.future else ""),
            ",".join(["view", *grants.verbs_of(row)]),
            f"{row.until:%Y-%m-%d %H:%M}" if row.until else "-",
            "withdrawn" if row.withdrawn_at else "over" if row.until and row.until <= now else "active",
            row.given_by,
            row.reason,
        )
        click.echo("\t".join(words))
