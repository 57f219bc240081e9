"""The log on the page: what was done appears, is found, leaves as a file, and is proven whole."""

import csv
import io
from pathlib import Path

import httpx
import pytest
from lxml import etree
from playwright.sync_api import Page, expect

from tests.audit.test_messages import SCHEMA
from tests.images import Made, study
from tests.site import Site
from tests.socket import STATE, RawSocket

TRAIL = f"{STATE}.mip_app___auditing___state____audit_trail"


@pytest.fixture
def viewed(site: Site) -> str:
    """The patient's number of a new study that Lin Wangshu looked at."""
    outcomes = site.store([Made(data) for data in study("SHANGGUAN^Zhi=上官^芷", slices=2)])
    uid = outcomes[0].study_uid
    client = site.sign_in("linwangshu")
    assert client.get(f"/dicom-web/studies/{uid}/metadata").status_code == 200
    assert client.get(f"/dicom-web/studies/{uid}/metadata").status_code == 200  # the same look
    found = client.get("/dicom-web/studies", params={"StudyInstanceUID": uid}).json()
    return found[0]["00100020"]["Value"][0]


def rows(page: Page, viewport: str) -> str:
    return "#audit-rows tr" if viewport == "desktop" else "#audit-cards li"


def filters(page: Page, viewport: str) -> None:
    """The phone has them in a sheet."""
    if viewport == "phone":
        page.click("#audit-filters-open")


def no_filters(page: Page, viewport: str) -> None:
    if viewport == "phone":
        page.click("#audit-filters-close")


@pytest.mark.browser
@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_what_was_done_is_found_by_person_study_act_and_day(someone, viewed, viewport):
    page = someone("shenji", viewport).signs_in("/admin/audit")
    lines = page.locator(rows(page, viewport))
    expect(lines.first).to_be_visible()
    filters(page, viewport)
    page.fill("#audit-study", viewed)
    expect(lines).to_have_count(2)
    expect(lines.nth(0)).to_contain_text("查看影像")
    expect(lines.nth(0)).to_contain_text("林望舒")
    expect(lines.nth(0)).to_contain_text(viewed)
    expect(lines.nth(1)).to_contain_text("存入影像")
    expect(page.locator("body")).not_to_contain_text("上官")  # nobody reads patients on this side
    page.fill("#audit-person", "林望舒")
    expect(lines).to_have_count(1)
    page.select_option("#audit-act", "report.signed")
    expect(page.locator("#audit-empty")).to_be_visible()
    page.click("#audit-clear")
    no_filters(page, viewport)
    page.click("[data-kind=user]")
    expect(lines.first).to_contain_text("登录")
    expect(lines.filter(has_text="存入影像")).to_have_count(0)
    page.click("[data-kind=consultation]")
    expect(page.locator("#audit-empty")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_the_log_leaves_as_a_file_that_says_the_same(someone, viewed, viewport):
    page = someone("shenji", viewport).signs_in("/admin/audit")
    expect(page.locator(rows(page, viewport)).first).to_be_visible()
    filters(page, viewport)
    page.fill("#audit-study", viewed)
    expect(page.locator(rows(page, viewport))).to_have_count(2)
    no_filters(page, viewport)
    page.click("#audit-export-open")
    with page.expect_download() as saved:
        page.click("#audit-export-start")
    data = Path(saved.value.path()).read_bytes().decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(data)))
    assert [(line["操作"], line["患者号"]) for line in lines] == [("存入影像", viewed), ("查看影像", viewed)]
    expect(page.locator("#audit-export-state")).to_contain_text("已保存 2 条")
    page.check("input[value=dicom]")
    with page.expect_download() as saved:
        page.click("#audit-export-start")
    messages = etree.fromstring(Path(saved.value.path()).read_bytes())
    for message in messages:
        SCHEMA.assertValid(message)
    codes = [message.find("EventIdentification/EventID").get("csd-code") for message in messages]
    assert codes == ["110107", "110103"]
    page.keyboard.press("Escape")
    filters(page, viewport)
    page.click("#audit-clear")
    page.select_option("#audit-act", "audit.exported")
    expect(page.locator(rows(page, viewport)).first).to_contain_text("沈计")


@pytest.mark.browser
def test_the_chain_is_proven_from_the_page(someone, viewed):
    page = someone("shenji").signs_in("/admin/audit")
    expect(page.locator("#audit-rows tr").first).to_be_visible()
    page.click("#audit-prove")
    expect(page.locator("#audit-proof")).to_contain_text("日志链完整")
    page.select_option("#audit-act", "audit.verified")
    expect(page.locator("#audit-rows tr").first).to_contain_text("沈计")


def test_nobody_else_reads_or_exports_by_socket_or_request(site: Site):
    for account in ("linwangshu", "wuji", "chensu"):
        client = site.sign_in(account)
        assert client.post("/admin/audit/export", json={}).status_code == 403
        assert client.get("/admin/audit", headers={"Accept": "text/html"}).headers["location"] == "/forbidden"
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        with RawSocket(site.url, cookie=cookie) as raw:
            raw.hydrate()
            raw.answers()
            raw.send(f"{TRAIL}.load")
            said = raw.answers()
            assert "account.signed_in" not in said
            assert "refused" in said
    key = {"Authorization": f"Bearer {site.keys['JN1']}"}

    assert httpx.post(f"{site.url}/admin/audit/export", json={}, headers=key).status_code == 403


def test_odd_payloads_do_no_harm(site: Site):
    with RawSocket(site.url, cookie=site.cookie("shenji")) as raw:
        raw.hydrate()
        for name, value in (
            ("study", {"a": 1}),
            ("_last", "x"),
            (["kind"], "x"),
            ("kind", "study' OR 1=1"),
            ("from", "0000-00-00"),
            ("person", "x" * 100_000),
        ):
            raw.send(f"{TRAIL}.choose", name=name, value=value)
        raw.answers()
        raw.send(f"{TRAIL}.clear")
        assert "account.signed_in" in raw.answers()
