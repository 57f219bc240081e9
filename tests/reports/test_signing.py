"""How a report ripens: draft, preliminary, final, amended; returned with a reason; each step by those who may."""

import pytest
from sqlmodel import Session, select

from mip_app.accounts.models import Role, User
from mip_app.core import database
from mip_app.core.errors import NotPermitted
from mip_app.reports import holding, signing, writing
from mip_app.reports.models import Report
from mip_app.studies.worklist import Filters, page
from tests.reports.conftest import FINDINGS, IMPRESSION


@pytest.fixture
def signed(window, lin):
    """A report that 林望舒 signed."""
    writer = window(lin)
    writer.take()
    assert writer.do(signing.sign, FINDINGS, IMPRESSION).ok
    return writer


def listed(who) -> str:
    (row,) = database.read(page, who, Filters()).rows
    return row["status"]


def test_signing_frees_the_lock_and_says_who_when_with_which_title(window, lin, zhou) -> None:
    with Session(database.engine()) as session, session.begin():
        session.get_one(User, lin.user_id).title = "主治医师"
    writer = window(lin)
    writer.take()
    writer.do(signing.sign, FINDINGS, IMPRESSION)
    view = window(zhou).view()
    assert (view["report"]["status"], view["report"]["preliminary"], view["report"]["preliminary_at"]) == (
        "preliminary",
        "林望舒",
        "14:31",
    )
    assert view["lock"]["holder"] == ""
    assert listed(zhou) == "preliminary"
    with Session(database.engine()) as session:
        from mip_app.studies import door

        report = session.exec(door.marked(select(Report))).one()
        assert (report.preliminary_by, report.preliminary_title) == (lin.user_id, "主治医师")


@pytest.mark.parametrize(("findings", "impression"), [("", IMPRESSION), (FINDINGS, " \n"), ("", "")])
def test_nothing_empty_is_signed(window, lin, findings, impression) -> None:
    writer = window(lin)
    writer.take()
    with pytest.raises(signing.Unwritten):
        writer.do(signing.sign, findings, impression)
    assert writer.view()["lock"]["mine"]  # and the writer goes on


def test_what_is_signed_its_writer_changes_no_more(signed) -> None:
    assert signed.take().code == "report.not_now"
    assert "write" not in signed.view()["report"]["can"]
    with pytest.raises(NotPermitted):
        signed.do(signing.review, FINDINGS, IMPRESSION)


def test_the_reviewer_signs_what_is_read(signed, window, zhou) -> None:
    reviewer = window(zhou)
    assert reviewer.do(signing.review, FINDINGS, IMPRESSION).ok
    assert listed(zhou) == "final"
    assert reviewer.versions() == [(1, "signed", "林望舒"), (2, "reviewed", "周知白")]


def test_the_reviewer_may_change_the_text_first(signed, window, zhou, chen) -> None:
    reviewer = window(zhou)
    reviewer.take()
    reviewer.do(writing.autosave, FINDINGS, IMPRESSION + "建议随访。")
    assert window(chen).view()["text"]["open"] is False
    reviewer.do(signing.review, FINDINGS, IMPRESSION + "建议随访。")
    assert window(chen).text() == (FINDINGS, IMPRESSION + "建议随访。")


def test_nobody_signs_another_text_than_was_on_the_screen(signed, window, zhou, actor) -> None:
    first, second = window(zhou), window(actor(Role.REVIEWER, "何为"))
    second.take()
    with pytest.raises(holding.Held):
        first.do(signing.review, FINDINGS, IMPRESSION)
    second.do(writing.save, FINDINGS, "另一个意见")
    refused = first.do(signing.review, FINDINGS, IMPRESSION)
    assert (refused.ok, refused.code) == (False, "report.lock_lost")
    assert listed(zhou) == "preliminary"


def test_returned_with_a_reason_it_is_its_writers_again(signed, window, zhou) -> None:
    reviewer = window(zhou)
    with pytest.raises(signing.NoReason):
        reviewer.do(signing.give_back, FINDINGS, IMPRESSION)
    reviewer.do(signing.give_back, FINDINGS, IMPRESSION, reason="请补充与既往片对比")
    report = signed.view()["report"]
    assert (report["status"], report["reason"], report["preliminary"]) == (
        "returned",
        "请补充与既往片对比",
        "",
    )
    assert listed(zhou) == "returned"
    to_me = Filters(mine=True, statuses=("returned",))
    assert [row["author"] for row in database.read(page, signed.who, to_me).rows] == [signed.who.name]
    assert database.read(page, zhou, to_me).rows == []
    assert signed.take().ok
    signed.revision = signed.view()["text"]["revision"]
    assert signed.do(signing.sign, FINDINGS + "与前片相仿。", IMPRESSION).ok
    assert signed.view()["report"]["reason"] == ""


def test_the_same_click_on_sign_twice_signs_once(signed, window, zhou) -> None:
    assert signed.do(signing.sign, FINDINGS, IMPRESSION).ok
    reviewer = window(zhou)
    for _ in range(2):
        assert reviewer.do(signing.review, FINDINGS, IMPRESSION).ok
    assert reviewer.versions() == [(1, "signed", "林望舒"), (2, "reviewed", "周知白")]


def test_an_amendment_replaces_the_text_only_when_it_is_signed(signed, window, zhou, chen, lin) -> None:
    reviewer, clinician = window(zhou), window(chen)
    reviewer.do(signing.review, FINDINGS, IMPRESSION)
    with pytest.raises(signing.NoReason):
        reviewer.do(signing.amend)
    opened = reviewer.do(signing.amend, reason="左右笔误")
    reviewer.fence = opened.fence
    reviewer.do(writing.autosave, FINDINGS, "修订后的意见")
    assert clinician.text() == (FINDINGS, IMPRESSION)
    assert clinician.view()["report"]["status"] == "final"
    assert window(lin).take().code == "report.not_now"  # an amendment is the reviewers'
    reviewer.do(signing.review, FINDINGS, "修订后的意见")
    assert clinician.text() == (FINDINGS, "修订后的意见")
    assert listed(zhou) == "amended"
    assert reviewer.versions()[-1] == (3, "amended", "周知白")


def test_an_amendment_can_be_dropped_and_its_words_stay_a_version(signed, window, zhou) -> None:
    reviewer = window(zhou)
    reviewer.do(signing.review, FINDINGS, IMPRESSION)
    reviewer.fence = reviewer.do(signing.amend, reason="左右笔误").fence
    reviewer.do(writing.autosave, FINDINGS, "半途的意见")
    reviewer.do(signing.drop_amendment, FINDINGS, "半途的意见")
    assert reviewer.text() == (FINDINGS, IMPRESSION)
    view = reviewer.view()
    assert (view["report"]["status"], view["report"]["amending"], view["report"]["version"]) == (
        "final",
        False,
        2,
    )
    assert reviewer.versions()[-1] == (3, "autosaved", "周知白")


@pytest.mark.parametrize("act", [signing.review, signing.give_back, signing.amend, signing.drop_amendment])
def test_a_step_that_is_not_next_is_refused(window, zhou, act) -> None:
    reviewer = window(zhou)
    with pytest.raises(holding.NotNow):
        reviewer.do(act, FINDINGS, IMPRESSION, reason="原因")
