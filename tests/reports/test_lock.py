"""The edit lock: one writer at a time, freed by 30 minutes without input, never by accident."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.reports import holding, signing, writing
from mip_app.reports.lock import IDLE, Ended, Lock
from tests.reports.conftest import FINDINGS, IMPRESSION, NOW

LATER = NOW + IDLE


def test_the_rule_alone() -> None:
    free = Lock()
    lin = free.taken(1, "林望舒", NOW)
    assert lin is not None
    assert lin.fence == 1
    assert lin.held_by(1, NOW)
    assert lin.taken(2, "周知白", NOW) is None
    assert lin.taken(2, "周知白", LATER) is not None
    second_window = lin.taken(1, "林望舒", NOW + timedelta(minutes=5))
    assert second_window is not None
    assert (second_window.fence, second_window.since) == (2, NOW)
    assert (second_window.ended_fence, second_window.ended_why) == (1, Ended.OTHER_WINDOW)
    assert not lin.held_at(LATER)
    assert lin.renewed(NOW + timedelta(minutes=29)).held_at(LATER)


def test_of_fifty_who_ask_at_once_one_writes(window, lin) -> None:
    people = [window(replace(lin, user_id=1000 + n, name=f"医生{n}")) for n in range(50)]
    with ThreadPoolExecutor(50) as pool:
        got = list(pool.map(lambda w: w.take(), people))
    assert sum(outcome.ok for outcome in got) == 1
    winner = next(w.who.name for w, outcome in zip(people, got, strict=True) if outcome.ok)
    assert {outcome.who for outcome in got if not outcome.ok} == {winner}
    assert people[0].view()["lock"]["holder"] == winner


def test_others_see_who_writes_since_when_and_cannot(window, lin, zhou) -> None:
    writer, reader = window(lin), window(zhou)
    assert writer.take().ok
    lock = reader.view()["lock"]
    assert (lock["holder"], lock["mine"], lock["since"]) == ("林望舒", False, "14:31")
    assert reader.take() == holding.Outcome(ok=False, code="report.held", who="林望舒", revision=0)


def test_saving_and_leaving_free_it_autosaving_keeps_it(window, lin, zhou) -> None:
    writer, other = window(lin), window(zhou)
    writer.take()
    writer.do(writing.autosave, FINDINGS)
    assert not other.take().ok
    assert writer.do(writing.save, FINDINGS, IMPRESSION).ok
    assert other.take().ok
    other.leave(with_text=False)
    assert writer.take().ok


def test_typing_renews_it_and_half_an_hour_without_frees_it(window, lin, zhou) -> None:
    writer, other = window(lin), window(zhou)
    writer.take()
    almost = NOW + timedelta(minutes=29)
    writer.do(writing.autosave, FINDINGS, now=almost)
    assert not other.take(LATER).ok
    end = almost + IDLE
    assert other.view(end)["lock"]["holder"] == ""  # seen without anybody having done anything
    assert other.take(end).ok
    assert other.text(end) == (FINDINGS, "")
    assert other.versions() == [(1, "autosaved", "林望舒")]


def test_the_clock_alone_makes_the_left_text_a_version(window, lin, zhou, study) -> None:
    writer = window(lin)
    writer.take()
    writer.do(writing.autosave, FINDINGS)
    assert writer.view(LATER)["lock"]["expired"]
    database.write(holding.settle, zhou, study, LATER)
    assert writer.versions() == [(1, "autosaved", "林望舒")]
    lock = writer.view(LATER)["lock"]
    assert (lock["ended_fence"], lock["ended_why"], lock["ended_version"]) == (writer.fence, "expired", 1)


def test_late_words_are_refused_and_kept(window, lin, zhou) -> None:
    writer, other = window(lin), window(zhou)
    writer.take()
    other.take(LATER)
    late = writer.do(writing.save, "迟到的文字", "意见", now=LATER)
    assert (late.ok, late.code, late.kept) == (False, "report.lock_lost", 1)
    assert other.text(LATER) == ("", "")
    assert other.versions() == [(1, "recovered", "林望舒")]
    assert other.do(writing.save, FINDINGS, IMPRESSION, now=LATER).ok
    assert other.versions()[-1] == (2, "saved", "周知白")


def test_two_windows_of_one_doctor_never_write_in_turns(window, lin) -> None:
    first, second = window(lin), window(lin)
    first.take()
    first.do(writing.autosave, "一")
    assert second.view()["lock"]["mine"]
    second.take()
    second.revision = second.view()["text"]["revision"]
    refused = first.do(writing.autosave, "一二")
    assert (refused.code, refused.kept) == ("report.lock_lost", 1)
    assert second.do(writing.autosave, "一三").ok
    first.leave("一二")  # closing the first window takes nothing from the second
    assert second.do(writing.save, "一三", "意见").ok
    assert second.text() == ("一三", "意见")


def test_asking_again_under_the_same_fence_keeps_it(window, lin) -> None:
    writer = window(lin)
    fence = writer.take().fence
    assert writer.take().fence == fence


def test_a_reviewer_takes_over_and_the_former_text_is_a_version(window, lin, zhou) -> None:
    writer, reviewer = window(lin), window(zhou)
    writer.take()
    writer.do(writing.autosave, FINDINGS)
    taken = reviewer.do(holding.take_over, fence=writer.fence)
    assert taken.ok
    lock = writer.view()["lock"]
    assert (lock["holder"], lock["ended_why"], lock["ended_by"], lock["ended_version"]) == (
        "周知白",
        "taken_over",
        "周知白",
        1,
    )
    late = writer.do(writing.autosave, FINDINGS + "又及")
    assert (late.code, late.kept) == ("report.lock_lost", 2)
    assert reviewer.text() == (FINDINGS, "")
    with Session(database.engine()) as session:
        acts = session.exec(select(AuditEntry.act)).all()
    assert {Act.REPORT_TAKEN, Act.REPORT_TAKEN_OVER, Act.REPORT_RECOVERED} <= set(acts)


def test_a_click_on_take_over_meant_for_somebody_else_does_nothing(window, lin, zhou, actor) -> None:
    writer, reviewer, third = window(lin), window(zhou), window(actor(Role.REPORTER, "何为"))
    fence = writer.take().fence
    writer.leave(with_text=False)
    third.take()
    with pytest.raises(holding.Held):
        reviewer.do(holding.take_over, fence=fence)


def test_who_may_not(window, lin, chen, outsider, study) -> None:
    writer = window(lin)
    with pytest.raises(NotPermitted):
        window(chen).take()
    with pytest.raises(NotPermitted):
        writer.do(holding.take_over)
    for act in (holding.take, holding.take_over, writing.save, writing.keep, signing.sign, signing.review):
        for uid in (study, "1.2.3.4.5"):  # what is another's answers as what does not exist
            with pytest.raises(NotVisible):
                database.write(act, outsider, holding.Draft(uid, 1, 0, FINDINGS, IMPRESSION, True), NOW)
