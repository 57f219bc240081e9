"""Images that a person brings: chosen, dropped, in an archive; what became of each is on the screen."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ingest.made import image

# A drop as the browser makes it: files come with the event, not through an input.
DROP = """([files, kinds]) => {
    const carried = new DataTransfer();
    files.forEach(([name, text]) => carried.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name)));
    kinds.forEach((kind) => document.body.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: carried})));
}"""


def opened(page: Page) -> Page:
    page.locator("[commandfor=upload]:visible").first.click()
    expect(page.get_by_role("dialog", name="上传影像")).to_be_visible()
    return page


def row(page: Page, name: str):
    return page.locator("#upload-rows > li").filter(has_text=name)


@pytest.mark.parametrize(("viewport", "study"), [("desktop", 101), ("phone", 102)])
def test_files_and_an_archive_go_in_and_each_refused_one_says_why(
    someone, tmp_path: Path, viewport, study
) -> None:
    patient = {"study": study, "patient": f"U{study}", "name": "上^传"}
    (tmp_path / "好.dcm").write_bytes(image(1, **patient))
    (tmp_path / "断.dcm").write_bytes(image(2, **patient)[:-100])
    (tmp_path / "别人.dcm").write_bytes(image(3, study=study, patient="other"))
    (tmp_path / "照片.jpg").write_bytes(b"\xff\xd8\xff no image of ours")
    with zipfile.ZipFile(tmp_path / "序列.zip", "w") as archive:
        for number in range(10, 30):
            archive.writestr(f"{number}.dcm", image(number, **patient))
        archive.writestr("坏.dcm", image(30, **patient)[:-100])
    page = opened(someone("wuji", viewport).signs_in())
    page.set_input_files("#upload-files", tmp_path / "好.dcm")
    expect(page.locator("#upload-state")).to_have_text("上传完成")
    page.set_input_files("#upload-files", sorted(tmp_path.iterdir()))
    expect(page.get_by_text("拒绝 3")).to_be_visible()
    expect(page.locator("#upload-state")).to_have_text("上传完成")
    expect(page.get_by_text("已存入 22", exact=True)).to_be_visible()
    expect(page.get_by_text("已存在 1", exact=True)).to_be_visible()
    expect(row(page, "序列.zip20 / 21")).to_contain_text("20 幅已存入")
    expect(row(page, "序列.zip/坏.dcm")).to_contain_text("文件不完整或已损坏")
    expect(row(page, "断.dcm")).to_contain_text("文件不完整或已损坏")
    expect(row(page, "别人.dcm")).to_contain_text("已存入")
    expect(row(page, "照片.jpg")).to_contain_text("不是 DICOM 文件")
    with page.expect_download() as saved:
        page.get_by_role("button", name="下载结果清单").click()
    assert "照片.jpg" in Path(saved.value.path()).read_text("utf-8-sig")


def test_a_file_is_dropped_anywhere_on_the_list(someone) -> None:
    import base64

    page = someone("wuji").signs_in()
    expect(page.locator("[commandfor=upload]:visible").first).to_be_visible()
    expect(page.locator("#upload")).to_be_attached()
    dropped = [["掉.dcm", base64.b64encode(image(1, study=103, patient="U103")).decode()]]
    page.evaluate(DROP, [dropped, ["dragenter", "dragover"]])
    expect(page.get_by_text("松开以上传")).to_be_visible()
    page.evaluate(DROP, [dropped, ["drop"]])
    expect(page.get_by_text("松开以上传")).to_be_hidden()
    expect(row(page, "掉.dcm")).to_contain_text("已存入")


def test_a_lost_connection_is_said_and_the_upload_goes_on_by_itself(someone, tmp_path: Path) -> None:
    person = someone("wuji")
    page = opened(person.signs_in())
    paths = []
    for number in range(1, 41):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(image(number, study=104, patient="U104"))
    lost = {"left": 6}

    def sometimes(route) -> None:
        lost["left"] -= 1
        if lost["left"] >= 0:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/ingest/file", sometimes)
    page.set_input_files("#upload-files", paths)
    expect(page.get_by_text("网络已断开。恢复后自动继续")).to_be_visible()
    expect(page.locator("#upload-state")).to_have_text("上传完成")
    expect(page.get_by_text("已存入 40")).to_be_visible()
    assert all("ERR_CONNECTION_RESET" in complaint for complaint in person.complaints)
    person.complaints.clear()  # the browser's own word for what was done to it


def large(number: int, study: int) -> bytes:
    """A slice of 8 MB."""
    return image(number, study=study, patient=f"U{study}", side=2048)


def appended(page: Page) -> list[int]:
    """From where each PATCH goes on, as they come."""
    offsets: list[int] = []

    def note(request) -> None:
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))

    page.on("request", note)
    return offsets


def test_a_large_file_goes_on_where_the_connection_was_lost(someone, tmp_path: Path) -> None:
    person = someone("wuji")
    page = opened(person.signs_in())
    path = tmp_path / "大.dcm"
    path.write_bytes(large(1, 105))
    half = path.stat().st_size // 2
    offsets = appended(page)

    def half_of_it(route) -> None:
        if (
            offsets == [0] and route.request.method == "PATCH"
        ):  # the server gets half; the browser hears that the connection broke
            headers = {**route.request.all_headers(), "content-length": str(half)}
            route.fetch(headers=headers, post_data=path.read_bytes()[:half])
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/ingest/uploads/*", half_of_it)
    page.set_input_files("#upload-files", path)
    expect(page.locator("#upload-state")).to_have_text("上传完成", timeout=30_000)
    expect(row(page, "大.dcm")).to_contain_text("已存入")
    assert offsets == [0, half]
    assert page.evaluate("localStorage.getItem('mip.uploads')") == "{}"
    person.complaints.clear()  # the browser's own word for what was done to it


def test_after_a_reload_the_same_file_chosen_again_goes_on(someone, tmp_path: Path) -> None:
    person = someone("wuji")
    page = opened(person.signs_in())
    path = tmp_path / "再.dcm"
    path.write_bytes(large(1, 106))
    half = path.stat().st_size // 2
    offsets = appended(page)

    def half_of_it(route) -> None:
        if offsets == [0] and route.request.method == "PATCH":
            headers = {**route.request.all_headers(), "content-length": str(half)}
            route.fetch(headers=headers, post_data=path.read_bytes()[:half])
        route.abort("connectionreset")

    def begin(route) -> None:
        page.route("**/ingest/uploads/*", half_of_it)
        route.continue_()

    page.route("**/ingest/uploads", begin)
    page.set_input_files("#upload-files", path)
    expect(page.get_by_text("网络已断开。恢复后自动继续")).to_be_visible(timeout=30_000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute_all()
    opened(page)
    page.set_input_files("#upload-files", path)
    expect(page.locator("#upload-state")).to_have_text("上传完成", timeout=30_000)
    expect(row(page, "再.dcm")).to_contain_text("已存入")
    assert offsets == [0, half]
    person.complaints.clear()


def test_who_may_not_upload_is_not_offered_it(someone) -> None:
    page = someone("chensu").signs_in()
    expect(page.get_by_role("heading").first).to_be_attached()
    expect(page.locator("#account-menu:visible").first).to_contain_text("陈")
    expect(page.locator("[commandfor=upload]")).to_have_count(0)
