"""The demo's reports, written, signed, reviewed and printed by its people at their times."""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from mip_app.core.actor import Actor
from mip_app.core.database import write
from mip_app.demo import catalogue, phantom, texts
from mip_app.demo.catalogue import ReportState, StudySpec
from mip_app.reports import holding, printing, signing, writing
from mip_app.reports.draft import Draft, Outcome


def write_report(spec: StudySpec, people: dict[str, Actor], now: datetime) -> None:
    """Bring the report of `spec` to its state. Done again after an interruption, it starts from the text anew."""
    text = texts.report_of(spec)
    if text is None or spec.report is ReportState.NONE:
        return
    times = catalogue.timeline(spec, now)
    author = people[spec.author]
    reviewer = people.get(spec.reviewer, author)
    written, reviewed = _moment(times.written, now), _moment(times.reviewed, now)
    first = text.before or (text.findings, text.impression)
    _act(writing.save if spec.report is ReportState.DRAFT else signing.sign, author, spec, first, written)
    if spec.report is ReportState.RETURNED:
        _act(signing.give_back, reviewer, spec, first, reviewed, text.return_reason)
    if spec.report in (ReportState.FINAL, ReportState.AMENDED):
        _act(signing.review, reviewer, spec, first, reviewed)
    if times.printed:
        write(printing.record, reviewer, _uid(spec), _moment(times.printed, now))
    if spec.report is ReportState.AMENDED:
        amended = _moment(times.amended, now)
        begun = write(signing.amend, reviewer, Draft(_uid(spec), reason=text.amendment_reason), amended)
        last = (text.findings, text.impression)
        _done(write(signing.review, reviewer, _draft(spec, last, begun), amended), spec)


Verb = Callable[[Session, Actor, Draft, datetime | None], Outcome]


def _act(
    verb: Verb, actor: Actor, spec: StudySpec, text: tuple[str, str], now: datetime, reason: str = ""
) -> None:
    taken = write(holding.take, actor, Draft(_uid(spec)), now)
    _done(write(verb, actor, _draft(spec, text, taken, reason), now), spec)


def _draft(spec: StudySpec, text: tuple[str, str], taken: Outcome, reason: str = "") -> Draft:
    findings, impression = text
    return Draft(_uid(spec), taken.fence, taken.revision, findings, impression, with_text=True, reason=reason)


def _done(outcome: Outcome, spec: StudySpec) -> None:
    if not outcome.ok:
        raise RuntimeError(f"the demo report {spec.key} was refused: {outcome.code}")


def _uid(spec: StudySpec) -> str:
    return str(phantom.study_uid(spec))


def _moment(local: datetime | None, now: datetime) -> datetime:
    return local.replace(tzinfo=catalogue.ZONE) if local else now
