"""A day's work: a study comes in, is found, read, reported under the lock, reviewed by a colleague and printed.

Two people in two browsers, one at a desk and one with either screen, over real DICOM; the technician sends it.
"""

import base64
import io
import re
import uuid
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.e2e.conftest import Person
from tests.images import Made, study
from tests.site import Site

FINDINGS = "右肺上叶见磨玻璃结节，约 8 mm。双侧胸腔未见积液。"
CHARACTERS = str.maketrans("0123456789abcdef", "安宁康乐福寿禄喜春夏秋冬梅兰竹菊")
IMPRESSION = "右肺上叶磨玻璃结节，建议 6 个月后复查。"


def uploaded(person: Person, files: list[dict]) -> None:
    page = person.page
    page.locator("[commandfor=upload]:visible").first.click()
    page.set_input_files("#upload-files", files)
    expect(page.locator("#upload-state")).to_have_text(re.compile("完成"))


def on_screen(page: Page) -> np.ndarray:
    """The viewport's picture as grey values."""
    address = page.evaluate("() => window.mipViewer.image()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("L"))


def compare_with_pydicom(page: Page, data) -> None:
    """What stands on the screen is the stored slice under its window, pixel for pixel where it is enlarged."""
    hounsfield = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
    width, centre = float(data.WindowWidth), float(data.WindowCenter)
    grey = np.clip((hounsfield - (centre - width / 2)) / width * 255, 0, 255)
    seen = on_screen(page)
    ratio = page.evaluate("() => window.devicePixelRatio")
    inside = range(12, 116, 13)
    spots = [(column, row) for column in inside for row in inside]
    places = [page.evaluate("([c, r]) => window.mipViewer.toElement(c, r)", list(spot)) for spot in spots]
    differences = [
        abs(float(seen[round(y * ratio), round(x * ratio)]) - grey[row, column])
        for (column, row), (x, y) in zip(spots, places, strict=True)
    ]
    # Enlarging blends neighbours, so single spots on an edge may differ; the picture as a whole may not.
    assert np.median(differences) < 6, differences


@pytest.mark.parametrize("second", ["desktop", "phone"])
def test_from_the_scanner_to_the_printed_report(someone, site: Site, second: str) -> None:
    name = "单小" + uuid.uuid4().hex[:3].translate(CHARACTERS)
    slices = study(f"SHAN^Xiao=单^{name[1:]}", when=f"{date.today():%Y%m%d}")
    uid, patient_id = str(slices[0].StudyInstanceUID), str(slices[0].PatientID)
    writer, colleague = someone("linwangshu"), someone("hewei", second)
    writer.signs_in("/studies?days=all")
    row = writer.page.locator(f"#study-rows [data-uid='{uid}']")
    expect(writer.page.locator("#total")).to_be_visible()

    # The technician sends the study, with what does not belong to it.
    technician = someone("wuji")
    technician.signs_in()
    files = [
        {"name": f"{n}.dcm", "mimeType": "", "buffer": Made(data).bytes()} for n, data in enumerate(slices)
    ]
    files.append({"name": "readme.txt", "mimeType": "text/plain", "buffer": b"not an image"})
    files.append({"name": "cut.dcm", "mimeType": "", "buffer": files[0]["buffer"][:9000]})
    uploaded(technician, files)
    rows = technician.page.locator("#upload-rows")
    expect(rows).to_contain_text("不是 DICOM 文件")
    expect(rows).to_contain_text("文件不完整")

    # The list at the other desk has it without a reload, found by initials.
    arrived = writer.page.locator("#show-arrived:visible")
    expect(row.or_(arrived)).to_be_visible()
    if arrived.is_visible():
        arrived.click()
    expect(row).to_contain_text(name)
    expect(row).to_contain_text("未写")
    writer.page.locator("[data-search]:visible").first.fill("sx")
    expect(row).to_be_visible()
    assert name not in writer.page.url
    assert "sx" not in writer.page.url

    # Read.
    row.dblclick()
    writer.page.wait_for_url(f"**/viewer/{uid}**")
    viewport = writer.page.locator("[data-testid=viewport]")
    expect(viewport).to_have_attribute("data-loaded", str(len(slices)))
    expect(viewport).to_contain_text(patient_id)
    writer.page.keyboard.press("Home")
    expect(viewport).to_have_attribute("data-slice", "1")
    shown = page_slice(writer.page, slices)
    compare_with_pydicom(writer.page, shown)
    writer.page.keyboard.press("ArrowDown")
    writer.page.keyboard.press("ArrowDown")
    expect(viewport).to_have_attribute("data-slice", "3")
    compare_with_pydicom(writer.page, page_slice(writer.page, slices))

    # Write, while the colleague looks on.
    writer.goes_to(f"/reports/{uid}")
    colleague.signs_in(f"/reports/{uid}")
    expect(colleague.page.locator("#findings")).to_be_visible()
    writer.page.locator("#findings").click()
    writer.page.keyboard.type(FINDINGS)  # the first key takes the lock; none is lost
    expect(writer.page.locator("#findings")).to_have_value(FINDINGS)
    expect(writer.page.locator("#lock")).to_contain_text("您正在编辑")
    expect(colleague.page.locator("#lock")).to_contain_text("林望舒")
    expect(colleague.page.locator("#findings")).not_to_be_editable()
    expect(colleague.page.locator("#findings")).to_have_value(FINDINGS)  # autosaved, and followed live
    writer.page.locator("#impression").fill(IMPRESSION)
    writer.page.locator("#save").click()
    expect(colleague.page.locator("#lock")).not_to_contain_text("林望舒")
    writer.page.locator("#open-signing").click()
    expect(writer.page.locator("dialog[open]")).to_contain_text(name)
    writer.page.locator("#do-signing").click()
    expect(writer.page.locator("#status")).to_have_text("初诊")

    # Reviewed by the colleague, who may; the writer may not.
    expect(writer.page.locator("#open-reviewing")).to_have_count(0)
    expect(colleague.page.locator("#impression")).to_have_value(IMPRESSION)
    colleague.page.locator("#open-reviewing").click()
    colleague.page.locator("#do-reviewing").click()
    expect(colleague.page.locator("#status")).to_have_text("已审核")
    expect(writer.page.locator("#status")).to_have_text("已审核")

    # Printed; the list says when.
    writer.page.locator("#print").click()
    expect(writer.page.locator("#sheet")).to_be_visible()
    answer = writer.context.request.get(f"{site.url}/print/{uid}.pdf")
    text = re.sub(
        r"\s", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.body())).pages)
    )
    for expected in (name, "磨玻璃结节", "林望舒", "何为", "江南市第一人民医院"):
        assert expected in text
    writer.goes_to("/studies?days=all")
    expect(row).to_contain_text("已审核")
    today = f"{datetime.now(ZoneInfo('Asia/Shanghai')):%m-%d}"
    expect(row.locator("td").filter(has_text=re.compile(today)).last).to_be_visible()

    # Nothing of the patient, and none of the text, is in the log.
    log = site.log.read_text()
    for secret in (name, patient_id, uid, "磨玻璃", "SHAN"):
        assert secret not in log, secret


def page_slice(page: Page, slices: list):
    """The stored slice that the viewport shows."""
    image = page.evaluate("() => window.mipViewer.pixels()")["imageId"]
    return next(data for data in slices if f"/{data.SOPInstanceUID}/" in image)
