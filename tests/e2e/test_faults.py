"""The network goes, the server dies, a second person comes: no word is lost."""

import pytest
from playwright.sync_api import expect

from tests.images import Made, study
from tests.site import Site


@pytest.fixture
def uid(site: Site) -> str:
    slices = study(slices=1)
    site.store([Made(data) for data in slices])
    return str(slices[0].StudyInstanceUID)


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_words_typed_offline_are_kept_here_and_saved_when_the_network_is_back(someone, uid, viewport) -> None:
    writer, reader = someone("linwangshu", viewport), someone("hewei")
    writer.forgiven = ("ERR_INTERNET_DISCONNECTED",)
    page = writer.signs_in(f"/reports/{uid}")
    page.locator("#findings").click()
    page.keyboard.type("双肺未见实变。")
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    writer.context.set_offline(True)
    page.keyboard.type("心影不大。")
    expect(page.get_by_text("网络已断开").filter(visible=True)).to_have_count(1)
    assert page.locator("#findings").input_value() == "双肺未见实变。心影不大。"
    writer.context.set_offline(False)
    reader.signs_in(f"/reports/{uid}")
    expect(reader.page.locator("#findings")).to_have_value("双肺未见实变。心影不大。")


def test_a_killed_server_comes_back_and_the_page_writes_on(someone, site: Site, uid) -> None:
    writer, reader = someone("linwangshu"), someone("hewei")
    writer.forgiven = ("WebSocket connection", "ERR_CONNECTION_REFUSED")
    page = writer.signs_in(f"/reports/{uid}")
    page.locator("#findings").click()
    page.keyboard.type("第一句。")
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    (worker,) = site.workers()
    worker.kill()
    page.keyboard.type("第二句。")
    site.wait_until_serving()
    expect(page.get_by_text("网络已断开").filter(visible=True)).to_have_count(0)
    reader.signs_in(f"/reports/{uid}")
    expect(reader.page.locator("#findings")).to_have_value("第一句。第二句。")
    expect(reader.page.locator("#lock")).to_contain_text("林望舒")


def test_leaving_the_page_frees_the_lock(someone, uid) -> None:
    writer, reader = someone("linwangshu"), someone("hewei")
    page = writer.signs_in(f"/reports/{uid}")
    page.locator("#edit:visible").click()
    expect(page.locator("#lock")).to_contain_text("您正在编辑")
    reader.signs_in(f"/reports/{uid}")
    expect(reader.page.locator("#lock")).to_contain_text("林望舒")
    writer.goes_to("/studies")
    expect(reader.page.locator("#lock")).not_to_contain_text("林望舒")
