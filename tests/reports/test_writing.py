"""Writing: every saved text is a version, nothing typed is lost, nobody reads what is not theirs to read."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session, select

from mip_app.audit.models import AuditEntry
from mip_app.core import database
from mip_app.core.errors import Invalid, NotPermitted, NotVisible, TooLarge
from mip_app.reports import holding, service, writing
from mip_app.reports.difference import changed, difference
from mip_app.reports.draft import LIMIT, draft_of
from mip_app.studies.worklist import Filters, page
from tests.reports.conftest import FINDINGS, IMPRESSION, NOW


def test_every_saved_text_is_a_version_and_autosaves_are_not(window, lin) -> None:
    writer = window(lin)
    writer.take()
    for text in ("胸廓", "胸廓对称", "胸廓对称，"):
        assert writer.do(writing.autosave, text).ok
    assert writer.versions() == []
    assert writer.view()["report"]["status"] == "draft"  # a draft begins with its first word
    writer.do(writing.save, FINDINGS, IMPRESSION)
    writer.take()
    writer.do(writing.save, FINDINGS, IMPRESSION)  # nothing changed: no version
    writer.take()
    writer.do(writing.save, FINDINGS, IMPRESSION + "请结合临床。")
    assert writer.versions() == [(1, "saved", "林望舒"), (2, "saved", "林望舒")]


def test_readers_follow_the_words_as_they_are_autosaved(window, lin, zhou) -> None:
    writer, reader = window(lin), window(zhou)
    writer.take()
    writer.do(writing.autosave, "右肺上叶")
    assert reader.text() == ("右肺上叶", "")


def test_leaving_without_saving_keeps_the_last_words_as_a_version(window, lin, zhou) -> None:
    writer = window(lin)
    writer.take()
    writer.do(writing.autosave, "右肺")
    writer.leave("右肺上叶见结节", "")
    assert writer.versions() == [(1, "autosaved", "林望舒")]
    assert window(zhou).text() == ("右肺上叶见结节", "")
    assert window(zhou).take().ok


def test_text_that_moved_is_not_overwritten(window, lin) -> None:
    writer = window(lin)
    writer.take()
    before = writer.revision
    writer.do(writing.autosave, "新的文字")
    old = writer.do(writing.autosave, "旧的文字", revision=before)
    assert (old.ok, old.code, old.kept) == (False, "report.text_moved", 1)
    assert writer.text() == ("新的文字", "")
    assert writer.versions() == [(1, "recovered", "林望舒")]


def test_the_same_click_twice_does_no_harm(window, lin) -> None:
    """After a reconnect the browser may send again what was answered already."""
    writer = window(lin)
    writer.take()
    before = writer.revision
    writer.do(writing.autosave, FINDINGS)
    assert writer.do(writing.autosave, FINDINGS, revision=before).ok
    assert writer.do(writing.save, FINDINGS, IMPRESSION).ok
    again = writer.do(writing.save, FINDINGS, IMPRESSION)
    assert (again.ok, again.kept) == (False, 1)  # the lock is free, and the text is version 1 already
    assert writer.versions() == [(1, "saved", "林望舒")]


def test_a_text_from_the_browsers_own_store_is_kept_once(window, lin) -> None:
    writer = window(lin)
    for _ in range(2):
        assert writer.do(writing.keep, "断网时写的", "", fence=None).kept == 1
    assert writer.versions() == [(1, "recovered", "林望舒")]
    assert writer.text() == ("", "")


def test_many_autosaves_at_once_lose_no_text(window, lin) -> None:
    writer = window(lin)
    writer.take()
    base, texts = writer.revision, [f"第 {n} 份文字" for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda text: writer.do(writing.autosave, text, revision=base), texts))
    pk = writer.view()["pk"]
    with Session(database.engine()) as session:
        kept = [writing.text_of(session, pk, number)[0] for number, _, _ in writer.versions()]
    assert sorted([*kept, writer.text()[0]]) == sorted(texts)


def test_the_list_says_who_writes_and_how_far_it_is(window, lin) -> None:
    writer = window(lin)
    writer.take()
    writer.do(writing.autosave, FINDINGS)
    (row,) = database.read(page, lin, Filters()).rows
    assert (row["status"], row["author"]) == ("draft", "林望舒")


def test_clinicians_see_how_far_it_is_and_no_word_of_a_draft(window, lin, chen, study) -> None:
    writer = window(lin)
    writer.take()
    writer.do(writing.save, FINDINGS, IMPRESSION)
    writer.take()
    writer.do(writing.autosave, FINDINGS + "未保存")
    view = window(chen).view()
    assert view["report"]["status"] == "draft"
    assert (view["text"]["findings"], view["text"]["impression"], view["text"]["open"]) == ("", "", False)
    assert view["versions"] == []
    assert view["lock"]["holder"] == ""
    with pytest.raises(NotPermitted):
        database.read(service.compare, chen, study, 1)


def test_another_institution_finds_nothing(window, lin, outsider, study) -> None:
    window(lin).take()
    with pytest.raises(NotVisible):
        database.read(service.look, outsider, study)
    with pytest.raises(NotVisible):
        database.write(service.open_report, outsider, study)
    with pytest.raises(NotVisible):
        database.read(service.compare, outsider, study, 0)
    with pytest.raises(NotVisible):
        database.write(holding.settle, outsider, study)


def test_the_audit_knows_the_acts_and_no_words(window, lin) -> None:
    writer = window(lin)
    writer.take()
    writer.do(writing.save, FINDINGS, IMPRESSION)
    with Session(database.engine()) as session:
        entries = session.exec(select(AuditEntry)).all()
    acts = [entry.act for entry in entries]
    assert "report.taken" in acts
    assert "report.saved" in acts
    assert not any(FINDINGS[:4] in str((entry.subject, entry.detail, entry.actor)) for entry in entries)


def test_what_no_page_of_ours_sends_is_refused() -> None:
    assert draft_of({"uid": "1.2", "findings": "一", "impression": ""}).with_text
    for sent in (None, [], {}, {"uid": 7}, {"uid": "1.2", "fence": "1"}, {"uid": "1.2", "findings": ["一"]}):
        with pytest.raises(Invalid):
            draft_of(sent)
    with pytest.raises(TooLarge):
        draft_of({"uid": "1.2", "findings": "肺" * (LIMIT // 3 + 1)})
    assert draft_of({"uid": "1.2", "findings": "a\x00\r\nb\ud83d"}).findings == "a\nb�"


def test_differences_are_told_word_by_word(window, lin, study) -> None:
    pieces = difference(
        "考虑肺癌可能大，请结合临床。", "考虑肺癌可能大，较 2025-05-10 增大，建议支气管镜检查。"
    )
    assert "".join(p["text"] for p in pieces if p["kind"] != "ins") == "考虑肺癌可能大，请结合临床。"
    assert "".join(p["text"] for p in pieces if p["kind"] != "del").endswith("建议支气管镜检查。")
    assert pieces[0] == {"kind": "same", "text": "考虑肺癌可能大，"}
    assert changed(difference("12.5 mm", "12.8 mm"), "ins") == len("12.8")  # a number is one word
    writer = window(lin)
    for text in (FINDINGS, FINDINGS + "心影不大。"):
        writer.take()
        writer.do(writing.save, text, IMPRESSION, now=NOW)
    told = database.read(service.compare, lin, study, 1)
    assert (told["old"], told["new"], told["added"], told["removed"]) == (1, 2, 5, 0)
